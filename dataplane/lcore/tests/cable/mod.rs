//! In-memory cables with started ports at both ends.

use dpdk::{Eal, Mempool, Port, PortConfig, RxQueue, SocketId, TxQueue};

/// Ports that are to be stopped at the end.
pub(crate) type Started<'e> = Vec<Port<'e, dpdk::Started>>;
/// Both directions of one end.
pub(crate) type End<'e> = (RxQueue<'e>, TxQueue<'e>);

/// A cable's two ends, of so many slots.
pub(crate) fn lay<'e>(
    eal: &'e Eal,
    pool: Mempool<'e>,
    name: &str,
    slots: u32,
    ports: &mut Started<'e>,
) -> [End<'e>; 2] {
    let names = ["a", "b"].map(|side| format!("{name}{side}"));
    let pair = eal.ring_pair(&names[0], &names[1], slots, SocketId::ANY);
    <[_; 2]>::from(pair.expect("two ports")).map(|id| {
        let idle = eal.port(id).expect("the port");
        let port = idle.configure(&PortConfig::default(), pool).expect("settings");
        let (port, rx, tx) = port.start().expect("a started port");
        ports.push(port);
        let queues = rx.into_iter().next().zip(tx.into_iter().next());
        queues.expect("a queue each way")
    })
}

/// Gives every port its queues back and stops it.
pub(crate) fn stop<'e>(ports: Started<'e>, mut ends: Vec<End<'e>>) {
    for port in ports {
        let at = ends.iter().position(|(rx, _)| rx.port() == port.id()).expect("its queues");
        let (rx, tx) = ends.swap_remove(at);
        port.stop(vec![rx], vec![tx]).expect("a stopped port").release();
    }
}
