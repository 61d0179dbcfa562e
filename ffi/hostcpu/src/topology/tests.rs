use super::*;
use std::process;

/// A folder of a test's own that goes away with it.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root = std::env::temp_dir().join(format!("hostcpu-{}-{name}", process::id()));
        let tree = Self(root);
        for (path, text) in files {
            let path = tree.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        tree
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const CPU: &str = "devices/system/cpu";

/// Two sockets of two cores of two threads; the second threads are numbered 4 to 7, CPUs 3 and 7
/// are isolated, CPU 5 is offline.
fn server() -> Tree {
    let mut files = vec![
        (format!("{CPU}/online"), "0-4,6-7\n".to_owned()),
        (format!("{CPU}/isolated"), "3,7\n".to_owned()),
        (format!("{CPU}/nohz_full"), "3,7\n".to_owned()),
        ("devices/system/node/node0/cpulist".to_owned(), "0-1,4-5\n".to_owned()),
        ("devices/system/node/node1/cpulist".to_owned(), "2-3,6-7\n".to_owned()),
        ("devices/system/node/possible".to_owned(), "0-1\n".to_owned()),
    ];
    for id in [0, 1, 2, 3, 4, 6, 7] {
        let core = id % 4;
        let dir = format!("{CPU}/cpu{id}/topology");
        files.push((format!("{dir}/core_id"), format!("{}\n", core % 2)));
        files.push((format!("{dir}/physical_package_id"), format!("{}\n", core / 2)));
        files.push((format!("{dir}/thread_siblings_list"), format!("{core},{}\n", core + 4)));
    }
    let files: Vec<_> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    Tree::new("server", &files)
}

#[test]
fn reads_sockets_nodes_siblings_and_isolation() {
    let tree = server();
    let host = Topology::read_at(&tree.0).unwrap();
    assert_eq!(host.online().to_string(), "0-4,6-7");
    assert_eq!(host.isolated().to_string(), "3,7");
    assert_eq!(host.nodes(), 2);
    let seven = host.cpu(7).unwrap();
    assert_eq!((seven.node, seven.socket, seven.core), (1, 1, 1));
    assert_eq!(seven.siblings.to_string(), "3,7");
    assert!(seven.isolated && seven.tickless);
    assert!(host.share_a_core(3, 7) && host.share_a_core(7, 3));
    assert!(!host.share_a_core(3, 3) && !host.share_a_core(2, 3) && !host.share_a_core(5, 1));
    assert!(host.cpu(5).is_none(), "offline");
}

#[test]
fn makes_do_with_the_list_of_cpus() {
    let online = format!("{CPU}/online");
    let nohz = format!("{CPU}/nohz_full");
    let tree = Tree::new("bare", &[(online.as_str(), "0-1\n"), (nohz.as_str(), "  (null)\n")]);
    let host = Topology::read_at(&tree.0).unwrap();
    assert_eq!(host.cpus().len(), 2);
    let one = host.cpu(1).unwrap();
    assert_eq!((one.node, one.socket, one.core, one.isolated), (0, 0, 1, false));
    assert_eq!(one.siblings.to_string(), "1");
    assert!(!one.tickless);
}

#[test]
fn errors_name_the_file_or_its_text() {
    let error = Topology::read_at(Path::new("/nowhere")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/devices/system/cpu/online"), "{error}");
    let online = format!("{CPU}/online");
    let tree = Tree::new("bad", &[(online.as_str(), "zero\n")]);
    let error = Topology::read_at(&tree.0).unwrap_err();
    assert!(error.to_string().contains("zero"), "{error}");
}

#[test]
fn this_host_has_the_cpus_it_lets_us_use() {
    let host = Topology::read().unwrap();
    let allowed = crate::allowed_cpus().unwrap();
    assert!(allowed.iter().all(|cpu| host.cpu(cpu).is_some()));
    assert!(host.cpus().iter().all(|cpu| cpu.siblings.contains(cpu.id)));
}

#[test]
fn facts_are_read_or_unknown() {
    let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU: 3 GHz\nflags\t\t: fpu constant_tsc \
                   nonstop_tsc hypervisor\n";
    let files = [("cpuinfo", cpuinfo), ("sys/kernel/osrelease", "6.1.0-40-amd64\n")];
    let facts = HostFacts::read_at(&Tree::new("proc", &files).0);
    assert_eq!(
        (facts.cpu_model.as_str(), facts.kernel.as_str()),
        ("Some CPU: 3 GHz", "6.1.0-40-amd64")
    );
    assert!(facts.tsc_constant && facts.virtualised);
    let unknown = HostFacts::read_at(Path::new("/nowhere"));
    assert_eq!((unknown.cpu_model.as_str(), unknown.kernel.as_str()), ("unknown CPU", "unknown"));
}
