//! The letters of ITCH's coded fields.

use crate::field::letters;

letters! {
    /// `buy_sell_indicator`.
    BuySell {
        Buy = b'B', "Buy";
        Sell = b'S', "Sell";
    }
    /// `event_code` of a System Event.
    EventCode {
        StartOfMessages = b'O', "Start Of Messages";
        StartOfSystemHours = b'S', "Start Of System Hours";
        StartOfMarketHours = b'Q', "Start Of Market Hours";
        EndOfMarketHours = b'M', "End Of Market Hours";
        EndOfSystemHours = b'E', "End Of System Hours";
        EndOfMessages = b'C', "End Of Messages";
    }
    /// `trading_state` of a Stock Trading Action.
    TradingState {
        Halted = b'H', "Halted";
        Paused = b'P', "Paused";
        QuotationOnly = b'Q', "Quotation Only Period";
        Trading = b'T', "Trading";
    }
    /// `market_category` of a Stock Directory.
    MarketCategory {
        GlobalSelect = b'Q', "Nasdaq Global Select Market";
        Global = b'G', "Nasdaq Global Market";
        Capital = b'S', "Nasdaq Capital Market";
        Nyse = b'N', "Nyse";
        NyseAmerican = b'A', "Nyse American";
        NyseArca = b'P', "Nyse Arca";
        NyseTexas = b'M', "Nyse Texas";
        BatsZ = b'Z', "Bats Z";
        InvestorsExchange = b'V', "Investors Exchange";
        NotAvailable = b' ', "Not Available";
    }
    /// `financial_status_indicator` of a Stock Directory.
    FinancialStatus {
        Deficient = b'D', "Deficient";
        Delinquent = b'E', "Delinquent";
        Bankrupt = b'Q', "Bankrupt";
        Suspended = b'S', "Suspended";
        DeficientBankrupt = b'G', "Deficient And Bankrupt";
        DeficientDelinquent = b'H', "Deficient And Delinquent";
        DelinquentBankrupt = b'J', "Delinquent And Bankrupt";
        DeficientDelinquentBankrupt = b'K', "Deficient Delinquent And Bankrupt";
        CreationsSuspended = b'C', "Creations And Redemptions Suspended";
        Normal = b'N', "Normal";
        NotAvailable = b' ', "Not Available";
    }
    /// `cross_type` of a Cross Trade or a Net Order Imbalance.
    CrossType {
        Opening = b'O', "Opening";
        Closing = b'C', "Closing";
        HaltedOrPaused = b'H', "Halted Or Paused";
        ExtendedClose = b'A', "Extended Close";
    }
    /// `imbalance_direction` of a Net Order Imbalance.
    ImbalanceDirection {
        Buy = b'B', "Buy";
        Sell = b'S', "Sell";
        None = b'N', "None";
        InsufficientOrders = b'O', "Insufficient Orders";
        Paused = b'P', "Paused";
    }
    /// `printable` of an Order Executed with Price.
    Printable {
        No = b'N', "No";
        Yes = b'Y', "Yes";
    }
}
