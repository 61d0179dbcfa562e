#!/usr/bin/env bash
# Makes the emulated host's disk: Debian of this machine's release, from packages alone, with GRUB.
#
#   scripts/testbed/image.sh DIR BINARY
#
# leaves in DIR: base.img (a disk with one partition and GRUB before it), key and key.pub (ssh, for
# root), pstates.aml. Made again only when what it is made from has changed. As root.
#
# Nothing is mounted and no loop device is used: mke2fs fills the file system from a folder, and
# GRUB goes into the sectors before the first partition, where its boot sector looks for it.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

HERE=$ROOT/scripts/testbed
DISK_MB=3072
PARTITION_AT=2048 # sectors
FS_UUID=7e5717ed-0000-4000-8000-00000000be1d

# What a plain server has, what provisioning uses, and what the appliance links with.
PACKAGES=(systemd-sysv udev kmod dbus linux-image-amd64 initramfs-tools zstd openssh-server
    iproute2 procps util-linux pciutils ethtool numactl python3 driverctl irqbalance
    grub-pc-bin grub2-common grub-common)
# DPDK's drivers of the guest's NICs, loaded when EAL starts, and what every pool of mbufs needs.
DRIVERS=(net_e1000 net_virtio net_vmxnet3 mempool_ring)

# library_packages BINARY: the packages of what it is linked with, and of the drivers.
library_packages() {
    local library patterns=("${DRIVERS[@]/#/*/librte_}")
    patterns=("${patterns[@]/%/.so.*}")
    {
        ldd "$1" | awk '$3 ~ /^\// { print $3 }' | while read -r library; do
            # Where /lib is a link to /usr/lib, dpkg knows a file by one of two names.
            dpkg-query -S "$library" "/usr$library" "$(realpath "$library")" 2>/dev/null || true
        done
        dpkg-query -S "${patterns[@]}"
    } | cut -d: -f1 | sort -u
}

# suite: this machine's own, and where its packages come from.
suite() {
    # shellcheck source=/dev/null
    . /etc/os-release
    [ "${ID:-}" = debian ] || die 2 "the test bed is made from Debian's packages, and this is" \
        "${PRETTY_NAME:-no Debian}: run it on Debian 12 or 13"
    printf '%s\n' "$VERSION_CODENAME"
}

sources() {
    local file
    for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
        [ -s "$file" ] && printf '%s\n' "$file" && return 0
    done
    die 2 "neither /etc/apt/sources.list.d/debian.sources nor /etc/apt/sources.list says where" \
        "Debian's packages come from"
}

make_rootfs() {
    local out=$1 list
    list=$(printf ',%s' "${PACKAGES[@]}" "${LIBRARIES[@]}")
    mmdebstrap --quiet --variant=apt --mode=root --aptopt='Apt::Install-Recommends "false"' \
        --dpkgopt=force-confold --dpkgopt=force-unsafe-io \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --essential-hook="cp -r --no-preserve=ownership '$HERE/rootfs/.' \"\$1/\"" \
        --include="${list:1}" "$(suite)" "$out" "$(sources)"
}

# finish_rootfs DIR: what packages do not bring.
finish_rootfs() {
    local root=$1
    printf 'UUID=%s / ext4 errors=remount-ro 0 1\n' "$FS_UUID" >"$root/etc/fstab"
    install -d -m 0700 "$root/root/.ssh"
    install -m 0600 "$DIR/key.pub" "$root/root/.ssh/authorized_keys"
    mkdir -p "$root/boot/grub"
    cp -r "$root/usr/lib/grub/i386-pc" "$root/boot/grub/"
    # Until GRUB's own menu is made, in the running guest: grub-probe wants to see the disk there.
    cat >"$root/boot/grub/grub.cfg" <<MENU
serial --unit=0 --speed=115200
terminal_output serial
linux /boot/$(basename "$root"/boot/vmlinuz-*) root=UUID=$FS_UUID ro console=ttyS0
initrd /boot/$(basename "$root"/boot/initrd.img-*)
boot
MENU
    chroot "$root" systemctl --quiet enable systemd-networkd serial-getty@ttyS0
    chroot "$root" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer \
        e2scrub_all.timer man-db.timer dpkg-db-backup.timer systemd-networkd-wait-online.service
}

# write_disk ROOTFS IMAGE: partition table, file system, and GRUB in the gap before it.
write_disk() {
    local root=$1 image=$2
    rm -f "$image"
    truncate -s "${DISK_MB}M" "$image"
    printf 'label: dos\nstart=%s, type=83, bootable\n' "$PARTITION_AT" | sfdisk --quiet "$image"
    mkfs.ext4 -q -U "$FS_UUID" -d "$root" \
        -E "offset=$((PARTITION_AT * 512)),lazy_itable_init=0,nodiscard" "$image" \
        "$(((DISK_MB - PARTITION_AT / 2048) * 1024))k"
    chroot "$root" grub-mkimage -O i386-pc -o /boot/grub/core.img -p '(hd0,msdos1)/boot/grub' \
        biosdisk part_msdos ext2 normal serial terminal linux
    # The boot sector's code, not the partition table behind it; core.img right after the sector.
    dd if="$root/boot/grub/i386-pc/boot.img" of="$image" bs=440 count=1 conv=notrunc status=none
    dd if="$root/boot/grub/core.img" of="$image" bs=512 seek=1 conv=notrunc status=none
}

# ingredients: a sum of everything that the image is made from.
ingredients() {
    {
        cat "${BASH_SOURCE[0]}" "$DIR/key.pub"
        (cd "$HERE/rootfs" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
        printf '%s\n' "$(suite)" "${LIBRARIES[@]}"
    } | sha256sum | cut -d' ' -f1
}

main() {
    [ "$#" -eq 2 ] || die 2 "usage: scripts/testbed/image.sh DIR BINARY"
    DIR=$1
    mkdir -p "$DIR"
    [ -f "$DIR/key" ] || ssh-keygen -q -t ed25519 -N '' -C testbed -f "$DIR/key"
    mapfile -t LIBRARIES < <(library_packages "$2")
    local made started=$SECONDS
    made=$(ingredients)
    if [ -f "$DIR/base.img" ] && [ "$(cat "$DIR/base.made" 2>/dev/null)" = "$made" ]; then
        say "the guest's disk is there: $DIR/base.img"
        return 0
    fi
    say "making the guest's disk: Debian $(suite) with ${#PACKAGES[@]} packages and" \
        "${#LIBRARIES[@]} of libraries"
    rm -rf "$DIR/rootfs" "$DIR/base.made"
    make_rootfs "$DIR/rootfs"
    finish_rootfs "$DIR/rootfs"
    write_disk "$DIR/rootfs" "$DIR/base.img"
    rm -rf "$DIR/rootfs"
    iasl -p "$DIR/pstates" "$HERE/pstates.asl" >/dev/null
    printf '%s\n' "$made" >"$DIR/base.made"
    say "made in $((SECONDS - started)) s: $(du -h "$DIR/base.img" | cut -f1)"
}

main "$@"
