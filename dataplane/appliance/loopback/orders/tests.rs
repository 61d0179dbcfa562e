use super::*;
use clap::Parser;

#[derive(Debug, Parser)]
struct Both {
    #[command(flatten)]
    trips: TripArgs,
    #[command(flatten)]
    orders: OrderArgs,
}

const COMPLETE: &str = "--venue 10.0.2.1:26400 --ip 10.0.2.2/24 --user PROBE --password probe";

fn settings(words: &str) -> Result<SoupSettings, String> {
    let words = std::iter::once("loopback").chain(words.split_whitespace());
    let both = Both::try_parse_from(words).map_err(|error| error.to_string())?;
    let device = [2, 0, 0, 0, 0, 9];
    let settings = both.orders.settings(&both.trips, (Some(5), Some(7)), None, device);
    settings.map_err(|error| error.to_string())
}

#[test]
fn what_is_typed_is_what_the_client_does() {
    let settings = settings(&format!("{COMPLETE} --side sell --price 12.5 --vlan 7")).unwrap();
    assert_eq!(settings.venue, "10.0.2.1:26400".parse::<SocketAddrV4>().unwrap());
    assert_eq!((settings.interface.ip, settings.interface.prefix_len), ([10, 0, 2, 2].into(), 24));
    assert_eq!((settings.interface.mac, settings.interface.vlan), ([2, 0, 0, 0, 0, 9], Some(7)));
    assert_eq!((settings.order.side, settings.order.price), (OrderSide::Sell, 125_000));
    assert_eq!((settings.trips.pacing, settings.trips.trips_max), (Pacing::PerSecond(5), 7));
    assert!(settings.order.cancels && settings.order.symbol == *b"AAPL    ");
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    for (words, told) in [
        ("", "--ip"),
        ("--ip 10.0.2.2/24", "--venue"),
        ("--ip 10.0.2.2/24 --venue 10.0.2.1:26400", "--user"),
        ("--ip 10.0.2.2/24 --venue 10.0.2.1:26400 --user A", "--password"),
        ("--ip 10.0.2.2/24 --user A --password B", "--venue"),
        ("--ip 10.0.2.2/33", "10.0.2.2/24"),
        ("--ip here", "10.0.2.2/24"),
        ("--venue 10.0.2.1", "--venue"),
        ("--mac 01:00:00:00:00:00", "station"),
        ("--tx-ip 10.0.0.1", "SRC,DST"),
        ("--price 0", "price in dollars"),
        ("--symbol TOOLONGNAME", "symbol"),
        ("--in-flight 0", "--in-flight"),
        (&COMPLETE.replace("PROBE", "LONGERNAME"), "--user \"LONGERNAME\": at most 6"),
        (&COMPLETE.replace("probe", "longerthanthat"), "--password \"\": at most 10"),
        (&COMPLETE.replace("2.2/24", "2.255/24"), "10.0.2.255"),
    ] {
        let error = settings(words).expect_err(words);
        assert!(error.contains(told), "{words}: {error}");
    }
}

#[test]
fn a_configuration_tells_what_is_not_typed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config/memif-loadgen.toml");
    let mut config = Config::load(path.as_ref()).unwrap();
    keep_port(&mut config).unwrap();
    assert_eq!(config.ports.len(), 1);
    let both = Both::parse_from(["loopback", "--user", "OTHER"]);
    let client = client(&config).unwrap();
    let settings = both.orders.settings(&both.trips, (None, None), Some(client), [0; 6]).unwrap();
    assert_eq!(settings.venue, "10.0.2.1:26400".parse::<SocketAddrV4>().unwrap());
    assert_eq!((&*settings.user, &*settings.password), ("OTHER", "quickstart"));
    assert_eq!(settings.interface.mac, [2, 0, 0, 0, 2, 2]);
    let cables = concat!(env!("CARGO_MANIFEST_DIR"), "/config/quickstart.toml");
    let told = keep_port(&mut Config::load(cables.as_ref()).unwrap()).unwrap_err().to_string();
    assert!(told.contains("inside of its process"), "{told}");
}
