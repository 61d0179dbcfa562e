"""Hosts that boot a unified kernel image: told what to do, and left alone until it is done."""

import bootloader
import harness
import trees

IMAGE = "/boot/efi/EFI/Linux/debian-6.1.0-2-amd64.efi"
BY_OTHERS = harness.CONFIG + '[boot]\nloader = "none"\n'


class Unified(harness.Host):
    made = staticmethod(trees.unified)

    def test_refused_with_what_to_do(self):
        told = self.refused(f"boots a unified kernel image ({IMAGE})", "ukify build --cmdline",
                            'loader = "none"', "kernel_parameters")
        self.assertIn("nothing was changed", told)
        status, out, _ = self.run_verb("plan")
        self.assertEqual(status, 2)
        self.assertIn("boot loader unified", out)
        self.assertIn("refused: apply would change nothing", out)

    def test_all_the_rest_once_somebody_else_makes_the_image(self):
        self.configure(BY_OTHERS)
        self.keep()
        _, planned = self.run_json("plan")
        self.ok("apply")
        for path in self.system().glob("/boot/efi/loader/entries/*"):
            self.assertEqual((self.root / path[1:]).read_bytes(),
                             (self.pristine / path[1:]).read_bytes())
        self.assertIn("lacking", self.ok("verify", status=1))
        words = [parameter["text"] for parameter in planned["kernel_parameters"]]
        self.tree.put("/proc/cmdline", " ".join(["root=/dev/sda1", *words]))
        for name in ("isolated", "nohz_full"):
            self.tree.put(f"/sys/devices/system/cpu/{name}",
                          next(w for w in words if w.startswith("nohz_full="))[10:])
        self.ok("verify")
        self.ok("rollback")
        for path in ("proc/cmdline", "sys/devices/system/cpu/isolated",
                     "sys/devices/system/cpu/nohz_full"):
            (self.root / path).write_bytes((self.pristine / path).read_bytes())
        self.unchanged()

    def test_without_efi_variables(self):
        """As under a real-time kernel."""
        for path in (self.root / "sys/firmware/efi/efivars").iterdir():
            path.unlink()
        self.refused(f"boots a unified kernel image ({IMAGE})")
        self.tree.put("/proc/cmdline", "initrd=\\debian\\initrd root=/dev/sda1 ro quiet")
        self.ok("plan")

    def test_an_image_that_is_not_mounted(self):
        (self.root / IMAGE[1:]).unlink()
        self.refused("boots a unified kernel image (not mounted now)")


class Turned(harness.Host):
    made = staticmethod(trees.systemd_boot)

    def test_the_boot_time_unit_goes_on(self):
        """Where the host was made to boot such an image after apply."""
        self.keep()
        self.ok("apply")
        stub = bootloader.STUB_INFO.lstrip("/")
        (self.pristine / stub).write_bytes(b"\6\0\0\0")
        self.boot()
        self.refused("boots a unified kernel image (not mounted now)")
        (self.root / stub).unlink()
        self.ok("verify")


class Grub(harness.Host):
    """An image that lies there does not make a host boot it."""

    made = staticmethod(trees.intel_two_nodes)

    def test_a_menu_that_boots_the_kernel(self):
        self.tree.put_bytes(IMAGE, b"MZ, and a kernel")
        self.assertEqual(bootloader.detect(self.system(), "debian"), "grub")
        self.tree.put_bytes(bootloader.STUB_INFO, b"\6\0\0\0")
        self.refused("boots a unified kernel image")
