"""The files that the appliance needs on a host: units, device permissions, limits, its account."""

import cpus

TUNE_UNIT = "/etc/systemd/system/peregrine-tune.service"
RUN_UNIT = "/etc/systemd/system/peregrine@.service"
TOOL = "/usr/local/lib/peregrine/provision.pyz"
HOST_CONFIG = "/etc/peregrine/host.toml"
HEAD = "# Written by scripts/provision.sh, which also takes it away again: provision.sh rollback.\n"
# What DPDK's mlx5 driver asks for: its NIC stays with the kernel, which sets up the queues.
CAPABILITIES_BIFURCATED = ["CAP_IPC_LOCK", "CAP_NET_ADMIN", "CAP_NET_RAW"]
# Without an IOMMU DPDK needs physical addresses, and vfio lets nobody else open the device.
CAPABILITIES_NO_IOMMU = ["CAP_IPC_LOCK", "CAP_SYS_ADMIN", "CAP_SYS_RAWIO"]

# What a process that only polls NICs never needs.
HARDENING = """\
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
PrivateTmp=yes
PrivateMounts=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""


def tune_unit(python):
    return HEAD + f"""\
[Unit]
Description=Settings of the Peregrine host that do not outlast a boot
Documentation=file:{HOST_CONFIG}
After=systemd-modules-load.service systemd-udev-settle.service systemd-sysctl.service
After=irqbalance.service tuned.service
ConditionVirtualization=!container

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={python} {TOOL} apply --runtime --config {HOST_CONFIG}
TimeoutStartSec=300

[Install]
WantedBy=multi-user.target
"""


def run_unit(host, config, placement):
    """The appliance, as a user without rights: what it may do is named, the rest is closed."""
    bifurcated = any(nic["action"] == "keep" and not nic["vfs"] for nic in placement.nics)
    capabilities = []
    if config["iommu.mode"] == "unsafe-no-iommu":
        capabilities += CAPABILITIES_NO_IOMMU
    if bifurcated:
        capabilities += CAPABILITIES_BIFURCATED
    capabilities = " ".join(dict.fromkeys(capabilities))
    # Its own threads that are no lcores go to the house; systemd's own setting would hide lcores.
    affinity = " ".join(str(cpu) for cpu in sorted({*placement.house, *placement.lcores}))
    devices = ["/dev/vfio/vfio rw", "char-vfio rw"]
    if bifurcated:
        devices += ["char-infiniband_verbs rw", "char-infiniband rw"]
    lines = "\n".join(f"DeviceAllow={device}" for device in devices)
    folder, user = config["service.config_dir"], config["service.user"]
    return HEAD + f"""\
# peregrine@venue.service runs {folder}/venue.toml.
[Unit]
Description=Peregrine, %i
After=peregrine-tune.service network.target
Wants=peregrine-tune.service
ConditionPathExists={folder}/%i.toml

[Service]
Type=exec
ExecStart={config['service.binary']} run {folder}/%i.toml
WorkingDirectory=/var/lib/peregrine
KillSignal=SIGTERM
TimeoutStopSec=30
# Whoever trades decides when to go on after a failure: not a machine.
Restart=no

User={user}
Group={user}
StateDirectory=peregrine
StateDirectoryMode=0750
# One each: it goes when its service ends. DPDK keeps its own files there.
RuntimeDirectory=peregrine-%i
RuntimeDirectoryMode=0750
UMask=0027

CPUAffinity={affinity}
LimitMEMLOCK=infinity
LimitCORE=0
OOMScoreAdjust=-900

CapabilityBoundingSet={capabilities}
AmbientCapabilities={capabilities}
NoNewPrivileges=yes
DevicePolicy=closed
{lines}
{HARDENING}
[Install]
WantedBy=multi-user.target
"""


def sysusers(config):
    user = config["service.user"]
    return HEAD + f"u {user} - \"Peregrine trading appliance\" /var/lib/peregrine\n"


def limits(config):
    user = config["service.user"]
    return HEAD + f"""\
# The unit has its own limit; this is for runs by hand. vfio pins what the NIC may reach.
@{user} soft memlock unlimited
@{user} hard memlock unlimited
"""


def udev_permissions(config):
    return HEAD + f"""\
# /dev/vfio/vfio is open to all; a group's own file is what gives a NIC away.
SUBSYSTEM=="vfio", GROUP="{config['service.user']}", MODE="0660"
"""


def udev_override(addresses):
    """What driverctl does, where it is not installed."""
    rules = "".join(f'ACTION=="add", SUBSYSTEM=="pci", KERNEL=="{address}", '
                    'ATTR{driver_override}="vfio-pci"\n' for address in addresses)
    return HEAD + rules


def sysctls(settings):
    """The minus lets one that this kernel has not pass."""
    return HEAD + "".join(f"-{name} = {value}\n" for name, value in settings)


def irqbalance(isolated):
    return HEAD + ("[Service]\n"
                   f"Environment=IRQBALANCE_BANNED_CPULIST={cpus.to_list(isolated)}\n")
