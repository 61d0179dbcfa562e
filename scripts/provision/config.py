"""A host's configuration: config/host/*.toml, read, checked, and completed with every default.

All that is wrong is told at once, each with the field, its value, and what would be right.
"""

import dataclasses
import difflib
import hashlib
import re

try:
    import tomllib
except ImportError:
    try:
        import tomli as tomllib
    except ImportError:
        tomllib = None

import nics

NO_TOML = ("this Python has no tomllib (3.11 has it) and no tomli: install python3.11, or "
           "python3-tomli")
INTERFACE = re.compile(r"[^\s/:]{1,15}")
SHORT_PCI = re.compile(r"([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
PATH = re.compile(r"/[A-Za-z0-9._/+-]+")
# Neither a shell nor GRUB's own script language reads anything into these letters.
PARAMETER = re.compile(r"[A-Za-z0-9_.-]+(=[A-Za-z0-9_.,:/@+%=-]*)?")
SIZES_KB = {"2M": 2048, "1G": 1048576}


class Wrong(Exception):
    """The configuration cannot be used; `errors` says why, one a field."""

    def __init__(self, errors):
        super().__init__("\n".join(errors))
        self.errors = errors


# ---- kinds of values: each takes one and gives it back, or raises ValueError with what is right


def boolean(value):
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def integer(low, high):
    def check(value):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value
    return check


def one_of(*words):
    def check(value):
        if value not in words or isinstance(value, bool):
            near = difflib.get_close_matches(str(value), words, 1, 0.5)
            hint = f" (nearest: \"{near[0]}\")" if near else ""
            raise ValueError(" or ".join(f'"{word}"' for word in words) + hint)
        return value
    return check


def either(word, check, right):
    """A fixed word, or what `check` takes."""
    def checked(value):
        if value == word and isinstance(value, str):
            return value
        try:
            return check(value)
        except ValueError:
            raise ValueError(f'"{word}" or {right}') from None
    return checked


def text(pattern, right):
    def check(value):
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(right)
        return value
    return check


def cpu_numbers(value):
    numbers = isinstance(value, list) and all(
        isinstance(cpu, int) and not isinstance(cpu, bool) and 0 <= cpu < 8192 for cpu in value)
    if not numbers or not value or len(set(value)) != len(value):
        raise ValueError("a list of CPU numbers such as [2, 3], each once")
    return value


def texts(pattern, right):
    def check(value):
        if not isinstance(value, list) or not all(
                isinstance(item, str) and pattern.fullmatch(item) for item in value):
            raise ValueError(right)
        return value
    return check


def device(value):
    if isinstance(value, str) and SHORT_PCI.fullmatch(value.lower()):
        return value.lower() if len(value) > 8 else f"0000:{value.lower()}"
    if not isinstance(value, str) or not INTERFACE.fullmatch(value):
        raise ValueError('a PCI address such as "0000:21:00.0" or an interface such as "eth1"')
    return value


NUMBER_OF_NODE = integer(0, 1023)

# Table: {key: (default, check)}. A default of REQUIRED has to be given.
REQUIRED = object()
TABLES = {
    "lcores": {
        "count": (1, integer(1, 128)),
        "cpus": ("auto", either("auto", cpu_numbers, "a list of CPU numbers such as [2, 3]")),
        "node": ("auto", either("auto", NUMBER_OF_NODE, "the number of a NUMA node")),
        "house_cores_per_node": (1, integer(0, 64)),
        "house_cpus": ("auto", either("auto", cpu_numbers, "a list of CPU numbers such as [0]")),
        "smt": ("siblings-off", one_of("siblings-off", "keep")),
    },
    "management": {
        "interface": ("auto", text(INTERFACE, '"auto" or the name of an interface')),
    },
    "memory": {
        "house_mb_min": (1024, integer(256, 1 << 20)),
    },
    "iommu": {
        "mode": ("require", one_of("require", "unsafe-no-iommu")),
    },
    "frequency": {
        "driver": ("keep", one_of("keep", "passive", "acpi")),
        "governor": ("performance", one_of("performance", "keep")),
        "turbo": ("off", one_of("off", "on", "keep")),
        "lock_khz": ("auto", either("auto", either("keep", integer(100_000, 10_000_000), ""),
                                    '"keep" or a frequency in kHz from 100000 to 10000000')),
        "epp": ("performance", one_of("performance", "keep")),
        "uncore": ("max", one_of("max", "keep")),
    },
    "idle": {
        "latency_us_max": (1, either("keep", integer(0, 100_000),
                                     "a whole number of microseconds from 0 to 100000")),
        "limit_at_boot": (True, boolean),
    },
    "irq": {
        "irqbalance": ("off", one_of("off", "ban", "keep")),
    },
    "kernel": {
        "isolcpus": (True, boolean),
        "skew_tick": (True, boolean),
        "tsc_reliable": ("auto", one_of("auto", "on", "off")),
        "machine_checks": ("house", one_of("house", "keep")),
        "extra": ([], texts(PARAMETER, 'a list of kernel parameters such as ["mitigations=off"], '
                                       "of letters, digits and _.,:/@+%=-")),
    },
    "boot": {
        "loader": ("auto", one_of("auto", "grub", "grubby", "systemd-boot", "none")),
    },
    "service": {
        "install": (True, boolean),
        "user": ("peregrine", text(NAME, "a user's name: small letters, digits, _ and -")),
        "binary": ("/usr/local/bin/peregrine", text(PATH, "an absolute path without blanks")),
        "config_dir": ("/etc/peregrine", text(PATH, "an absolute path without blanks")),
    },
}
LISTS = {
    "nic": {
        "device": (REQUIRED, device),
        "driver": ("auto", one_of("auto", "vfio-pci", "keep")),
        "vfs": (0, integer(0, 256)),
    },
    "hugepages": {
        "size": ("2M", one_of(*SIZES_KB)),
        "mb": (REQUIRED, integer(2, 1 << 24)),
        "node": ("auto", either("auto", either("each", NUMBER_OF_NODE, ""),
                                '"each" or the number of a NUMA node')),
    },
}
# Where no configuration is given, or it says nothing of hugepages.
HUGEPAGES_DEFAULT = [{"size": "2M", "mb": 1024, "node": "auto"}]


@dataclasses.dataclass
class Config:
    tables: dict
    nics: list
    hugepages: list
    source: str
    data: bytes             # the file itself

    def digest(self):
        return hashlib.sha256(self.data).hexdigest()

    def __getitem__(self, name):
        table, _, key = name.partition(".")
        return self.tables[table][key]


def shown(value):
    """A value as TOML would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def nearest(name, known):
    near = difflib.get_close_matches(name, known, 1, 0.4)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(known))}"


def table(where, given, kinds, errors):
    """A table with its defaults; what is wrong goes into `errors`."""
    if not isinstance(given, dict):
        errors.append(f"{where} = {shown(given)}: must be a table, [{where}]")
        given = {}
    for key in given:
        if key not in kinds:
            errors.append(f"{where}.{key}: there is no such key; {nearest(key, kinds)}")
    values = {}
    for key, (default, check) in kinds.items():
        if key in given:
            try:
                values[key] = check(given[key])
            except ValueError as right:
                errors.append(f"{where}.{key} = {shown(given[key])}: must be {right}")
        elif default is REQUIRED:
            errors.append(f"{where}.{key} is missing: it must be there")
        else:
            values[key] = default
    return values


def table_list(name, given, errors):
    if not isinstance(given, list):
        errors.append(f"{name} = {shown(given)}: must be a list of tables, [[{name}]]")
        return []
    return [table(f"{name}[{at}]", item, LISTS[name], errors) for at, item in enumerate(given)]


def check_whole(config, errors):
    """What no field can say alone."""
    pages = config.hugepages
    for at, wanted in enumerate(pages):
        size_mb = SIZES_KB[wanted["size"]] >> 10
        if wanted["mb"] % size_mb:
            right = -(-wanted["mb"] // size_mb) * size_mb
            errors.append(f"hugepages[{at}].mb = {wanted['mb']}: must be a multiple of the page, "
                          f"{size_mb} MB, such as {right}")
    devices = [nic["device"] for nic in config.nics]
    for at, name in enumerate(devices):
        if name in devices[:at]:
            errors.append(f"nic[{at}].device = \"{name}\": must be named once, and nic"
                          f"[{devices.index(name)}] has it already")
        if config.nics[at]["vfs"] and config.nics[at]["driver"] == "vfio-pci":
            errors.append(f"nic[{at}].vfs = {config.nics[at]['vfs']}: must be 0 with driver = "
                          '"vfio-pci", or driver = "keep": the kernel makes VFs through its own '
                          "driver")
    chosen, house = config["lcores.cpus"], config["lcores.house_cpus"]
    if chosen != "auto" and house != "auto" and (both := sorted(set(chosen) & set(house))):
        errors.append(f"lcores.house_cpus = {house}: must be others than lcores.cpus, and "
                      f"{both} are in both")


def parse(data, source):
    """A configuration from the bytes of a TOML file."""
    if tomllib is None:
        raise Wrong([NO_TOML])
    try:
        given = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Wrong([f"{source}: not TOML: {error}"]) from None
    errors = []
    for name in given:
        if name not in TABLES and name not in LISTS:
            errors.append(f"{name}: there is no such table; "
                          f"{nearest(name, list(TABLES) + list(LISTS))}")
    tables = {name: table(name, given.get(name, {}), kinds, errors)
              for name, kinds in TABLES.items()}
    pages = table_list("hugepages", given.get("hugepages", HUGEPAGES_DEFAULT), errors)
    config = Config(tables, table_list("nic", given.get("nic", []), errors), pages, source,
                    data)
    if not errors:
        check_whole(config, errors)
    if errors:
        raise Wrong([f"{source}: {error}" for error in errors])
    if tables["lcores"]["cpus"] != "auto" and "count" not in given.get("lcores", {}):
        tables["lcores"]["count"] = len(tables["lcores"]["cpus"])
    return config


# nics.ADDRESS is what `device` gives for PCI addresses.
assert nics.ADDRESS.fullmatch(device("21:00.0"))
