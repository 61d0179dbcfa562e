"""Sets of CPUs as the kernel writes them: lists (0-3,8) and masks (f,0000010f)."""


class NotCpus(ValueError):
    """A text that is no list or mask of CPUs."""


def parse_list(text):
    """"0-3,8" as a set. Strides such as 0-6:2/8 are read too; the kernel prints none."""
    found = set()
    for part in text.strip().split(","):
        if not part:
            continue
        span, _, stride = part.partition(":")
        low, dash, high = span.partition("-")
        used, _, group = stride.partition("/")
        try:
            first, last = int(low), int(high if dash else low)
            step, take = (int(group), int(used)) if stride else (1, 1)
        except ValueError:
            raise NotCpus(f"'{text.strip()}' is not a list of CPUs such as 2-5,8") from None
        if last < first or step < 1:
            raise NotCpus(f"'{part}' in '{text.strip()}' runs backwards")
        for start in range(first, last + 1, step):
            found.update(range(start, min(start + take, last + 1)))
    return found


def to_list(cpus):
    """A set as "0-3,8", the way the kernel prints it."""
    parts, ordered = [], sorted(cpus)
    at = 0
    while at < len(ordered):
        end = at
        while end + 1 < len(ordered) and ordered[end + 1] == ordered[end] + 1:
            end += 1
        parts.append(str(ordered[at]) if end == at else f"{ordered[at]}-{ordered[end]}")
        at = end + 1
    return ",".join(parts)


def parse_mask(text):
    """"1,0000000f" as a set: words of 32 bits, the highest first."""
    try:
        bits = int(text.strip().replace(",", "") or "0", 16)
    except ValueError:
        raise NotCpus(f"'{text.strip()}' is not a mask of CPUs") from None
    return {cpu for cpu in range(bits.bit_length()) if bits >> cpu & 1}


def to_mask(cpus, like=""):
    """A set as a mask, of as many digits as `like` has: the kernel pads to its number of CPUs."""
    bits = sum(1 << cpu for cpu in set(cpus))
    digits = max(len(like.strip().replace(",", "")), 1)
    text = f"{bits:0{digits}x}"
    words = []
    while text:
        words.insert(0, text[-8:])
        text = text[:-8]
    return ",".join(words)
