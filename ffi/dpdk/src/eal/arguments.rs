//! EAL's command line.

use super::EalConfig;

/// The arguments for this configuration, the program's name first. `node` is where all memory of
/// the start comes from, if not from anywhere.
pub(super) fn of(config: &EalConfig, huge: bool, node: Option<usize>, cpu: usize) -> Vec<String> {
    let mut arguments: Vec<String> = Vec::new();
    let mut push = |text: &str| arguments.push(text.to_owned());
    push("peregrine");
    // Lcore 0 on that CPU and no other lcore: the threads that poll register themselves.
    push(&format!("--lcores=0@{cpu}"));
    match node {
        // A list by node, in which the last has it all.
        Some(node) => push(&format!("--socket-mem={}{}", "0,".repeat(node), config.memory_mb)),
        None => push(&format!("-m{}", config.memory_mb)),
    }
    push("--no-telemetry");
    push("--log-level=*:warning");
    if huge {
        push("--in-memory");
        if config.single_file_segments || config.vdevs.iter().any(|vdev| shares_memory(vdev)) {
            push("--single-file-segments");
        }
    } else {
        // --in-memory would be refused with --no-huge.
        push("--no-huge");
        push("--no-shconf");
        push(&format!("--file-prefix={}", config.file_prefix));
    }
    if config.allow_pci.is_empty() {
        // Virtual devices work with virtual addresses, and looking up physical ones takes time.
        push("--no-pci");
        push("--iova-mode=va");
    }
    for address in &config.allow_pci {
        push(&format!("--allow={address}"));
    }
    for vdev in &config.vdevs {
        push(&format!("--vdev={vdev}"));
    }
    for argument in &config.extra {
        push(argument);
    }
    arguments
}

/// Whether the device hands its memory to another process region by region.
fn shares_memory(vdev: &str) -> bool {
    vdev.starts_with("net_virtio_user") || vdev.starts_with("virtio_user")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(config: &EalConfig, huge: bool) -> String {
        of(config, huge, None, 3).join(" ")
    }

    #[test]
    fn without_hugepages_nothing_needs_a_privilege() {
        assert_eq!(
            line(&EalConfig::default(), false),
            "peregrine --lcores=0@3 -m128 --no-telemetry --log-level=*:warning --no-huge \
             --no-shconf --file-prefix=peregrine --no-pci --iova-mode=va"
        );
    }

    #[test]
    fn with_hugepages_nothing_is_left_behind() {
        let config = EalConfig {
            memory_mb: 64,
            allow_pci: vec!["0000:01:00.0".into()],
            vdevs: vec!["net_null0".into()],
            extra: vec!["--proc-type=primary".into()],
            ..EalConfig::default()
        };
        assert_eq!(
            line(&config, true),
            "peregrine --lcores=0@3 -m64 --no-telemetry --log-level=*:warning --in-memory \
             --allow=0000:01:00.0 --vdev=net_null0 --proc-type=primary"
        );
    }

    #[test]
    fn memory_of_a_node_is_the_last_of_a_list() {
        let config = EalConfig { memory_mb: 64, ..EalConfig::default() };
        let line = |node| of(&config, true, Some(node), 3).join(" ");
        assert!(line(0).contains(" --socket-mem=64 "), "{}", line(0));
        assert!(line(2).contains(" --socket-mem=0,0,64 "), "{}", line(2));
        assert!(!line(2).contains("-m64 "));
    }

    #[test]
    fn a_virtio_user_device_gets_its_memory_in_few_files() {
        let config = EalConfig {
            vdevs: vec!["net_virtio_user0,path=/tmp/s".into()],
            ..EalConfig::default()
        };
        assert!(line(&config, true).contains("--in-memory --single-file-segments"));
        assert!(!line(&config, false).contains("--single-file-segments"));
        let config = EalConfig { single_file_segments: true, ..EalConfig::default() };
        assert!(line(&config, true).contains("--single-file-segments"));
    }
}
