use super::*;
use proptest::prelude::*;

fn written() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/cluster.toml");
    std::fs::read_to_string(path).expect("the file")
}

fn parse(text: &str) -> Result<Cluster, String> {
    Cluster::parse(text, Path::new("cluster.toml")).map_err(|error| error.to_string())
}

#[test]
fn the_written_cluster_has_the_defaults() {
    let cluster = parse(&written()).expect("a cluster");
    let identity = cluster.replica.cluster;
    assert_eq!(identity[..2], [0x6D, 0x0C]);
    let default = ReplicaConfig::new(1, identity, Members::of_voters(&[1]).expect("one"));
    assert_eq!(format!("{:?}", cluster.replica), format!("{default:?}"));
    let [main] = cluster.partitions.as_slice() else { panic!("one") };
    assert_eq!(main.members, Members::of_voters(&[1, 2, 3]).expect("three"));
    assert_eq!((main.udp_port, cluster.nodes.len()), (26_500, 3));
    // And the same with all of them left out.
    let full = written();
    let short = full.lines().filter(|line| !line.ends_with(']') || !line.contains('#'));
    let short: String = short.map(|line| format!("{line}\n")).collect();
    assert!(!short.contains("tick_us"));
    let bare = parse(&short).expect("a cluster");
    assert_eq!(format!("{:?}", bare.replica), format!("{:?}", cluster.replica));
}

#[test]
fn what_cannot_be_is_named() {
    for (old, new, told) in [
        ("6d0c3b1e", "6d0c3b1", "identity = \"6d0c3b15f7a"),
        ("6d0c3b1e5f7a49828c91a2b3c4d5e6f7", "00000000000000000000000000000000", "openssl rand"),
        ("tick_us = 80", "tick_us = 0", "ticks.tick_us = 0: out of bounds"),
        ("campaign = 3 ", "campaign = 2 ", "campaign_ticks is 2: more than election_ticks"),
        ("number = 2", "number = 1", "node[1].number = 1: another [[node]] has it already"),
        ("c1:02", "c1:01", "node[1].mac"),
        ("79.2/24", "79.1/24", "node[1].ip"),
        ("79.2/24", "79.2", "network's bits"),
        ("voters = [1, 2, 3]", "voters = [1, 2]", "2 voters; give three or five"),
        ("voters = [1, 2, 3]", "voters = [1, 2, 4]", "no [[node]] has this number"),
        ("voters = [1, 2, 3]", "voters = [1, 2, 2]", "a member of this partition already"),
        ("learners = []", "learners = [3]", "a member of this partition already"),
        ("[\"AAPL\"]", "[\"AAPL\", \"AAPL\"]", "there twice"),
        ("stagger", "staggers", "did you mean `stagger`?"),
        ("\"stall\"", "\"wait\"", "unknown value `wait`"),
        ("datagram_bytes = 1472", "datagram_bytes = 100", "datagram_bytes is 100"),
        ("[[partition]]", "[[node]]", "unknown key `learners`"),
    ] {
        let text = written().replacen(old, new, 1);
        assert_ne!(text, written(), "{old}");
        let error = parse(&text).expect_err(told);
        assert!(error.contains(told) && error.contains("cluster.toml:"), "{told}: {error}");
    }
    let two = format!(
        "{}\n[[partition]]\nname = \"two\"\nsymbols = [\"AAPL\"]\nvoters = [1]\n",
        written()
    );
    let error = parse(&two).expect_err("the same port and symbol");
    assert!(error.contains("26500 is another partition's already"), "{error}");
    assert!(error.contains("in partition \"main\" already"), "{error}");
}

proptest! {
    #[test]
    fn any_text_will_do(text in "[ -~\\n]{0,400}", at in 0..2_000usize) {
        let _ = parse(&text);
        let mut written = written();
        let at = at.min(written.len());
        written.insert_str(at, &text);
        let _ = parse(&written);
    }
}
