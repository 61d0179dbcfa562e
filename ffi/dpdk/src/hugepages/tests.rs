use super::*;

#[test]
fn a_node_is_used_where_the_cpuset_lets_it() {
    let status = |list| format!("Name:\tx\nMems_allowed:\t0000000b\nMems_allowed_list:\t{list}\n");
    for (list, nodes) in [("0-1,3", [true, true, false, true]), ("2", [false, false, true, false])]
    {
        assert_eq!([0, 1, 2, 3].map(|node| may_use(node, &status(list))), nodes, "{list}");
    }
    assert!(may_use(1, "Name:\tx\n"));
    assert!(!may_use(1, &status("nonsense")));
}

/// A folder that goes with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("dpdk-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_largest_come_first_and_promised_pages_do_not_count() {
    let root = Scratch::new("hugepages");
    for (size, free, reserved) in [("2048", "10\n", "3\n"), ("1048576", "1\n", "0\n")] {
        let dir = root.0.join(format!("hugepages-{size}kB"));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("free_hugepages"), free).unwrap();
        fs::write(dir.join("resv_hugepages"), reserved).unwrap();
    }
    let below_zero = root.0.join("hugepages-64kB");
    fs::create_dir_all(&below_zero).unwrap();
    fs::write(below_zero.join("free_hugepages"), "16\n").unwrap();
    fs::write(below_zero.join("resv_hugepages"), "18446744073709551611\n").unwrap();
    fs::create_dir_all(root.0.join("something-else")).unwrap();
    let free = free_under(&root.0);
    let sizes = [(1 << 20, 1), (2048, 7), (64, 16)].map(|(page_kb, pages)| Free { page_kb, pages });
    assert_eq!(free, sizes);
    enough(1024 + 15, &free).unwrap();
    let lack = enough(1024 + 16, &free).unwrap_err();
    assert!(matches!(lack, HugeLack::Few { asked_mb: 1040, free_pages: 24, free_mb: 1039 }));
    assert_eq!(lack.to_string(), "no 1040 MB of free hugepages");
    assert_eq!(free_under(&root.0.join("none")), []);
    enough(0, &[]).unwrap_err();
}

#[test]
fn the_first_mount_of_each_size_must_be_readable() {
    let root = Scratch::new("mounts");
    let here = root.0.display();
    let other = "proc /proc proc rw 0 0\n";
    readable(&format!("{other}hugetlbfs {here} hugetlbfs rw,pagesize=2M 0 0\n")).unwrap();
    // EAL does not look at a second one.
    let line = |at: &str, size| format!("nodev {here}{at} hugetlbfs rw,pagesize={size} 0 0\n");
    readable(&(line("", "2M") + &line("/none", "2M"))).unwrap();
    let two = line("", "2M") + &line("/a\\040b", "1024M");
    let lack = readable(&two).unwrap_err();
    assert_eq!(
        lack.to_string(),
        format!("no hugepages, for the hugetlbfs {here}/a b cannot be read")
    );
    assert!(lack.mend().contains("mode=0755"), "{}", lack.mend());
}

/// As the default seccomp profiles of container runtimes do, on this thread alone.
fn refuse(call: libc::c_long) {
    let load = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    let equal = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let answer = (libc::BPF_RET | libc::BPF_K) as u16;
    let refusal = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    let mut program = [
        libc::sock_filter { code: load, jt: 0, jf: 0, k: 0 },
        libc::sock_filter { code: equal, jt: 0, jf: 1, k: call as u32 },
        libc::sock_filter { code: answer, jt: 0, jf: 0, k: refusal },
        libc::sock_filter { code: answer, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW },
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the kernel copies the program, which lives until then. Without TSYNC it binds the
    // calling thread alone.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &filter), 0);
    }
}

#[test]
fn a_refused_get_mempolicy_is_noticed() {
    may_ask_for_nodes().unwrap();
    let refused = std::thread::spawn(|| {
        refuse(libc::SYS_get_mempolicy);
        may_ask_for_nodes()
    });
    let error = refused.join().unwrap().unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    let lack = HugeLack::Policy { source: error };
    assert!(lack.mend().contains("SYS_NICE"), "{}", lack.mend());
}

#[test]
fn pages_are_planned_as_eal_takes_them() {
    let free = |pages: [u64; 2]| {
        let [large, small] = pages;
        [Free { page_kb: 1 << 20, pages: large }, Free { page_kb: 2048, pages: small }]
    };
    let planned = |asked_mb, pages| {
        let sizes = plan(asked_mb, &free(pages));
        sizes.iter().map(|size| size.pages).collect::<Vec<_>>()
    };
    assert_eq!(planned(128, [1, 64]), [0, 64]);
    assert_eq!(planned(1024 + 128, [2, 64]), [1, 64]);
    assert_eq!(planned(128, [1, 63]), [1, 0]);
    assert_eq!(planned(2048, [1, 1024]), [1, 512]);
    assert_eq!(planned(3, [0, 64]), [0, 2]);
}

#[test]
fn a_kernel_that_gives_no_page_is_named() {
    // A page of 2 GB is none that an x86_64 or aarch64 kernel has.
    let lack = take(2048, &[Free { page_kb: 2 << 20, pages: 1 }]).unwrap_err();
    assert!(matches!(lack, HugeLack::Limited { asked_mb: 2048, given_mb: 0, .. }), "{lack}");
    assert!(lack.mend().contains("pages of 2048 MB"), "{}", lack.mend());
    take(0, &[]).unwrap();
}
