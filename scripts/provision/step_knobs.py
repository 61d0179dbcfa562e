"""Steps that write one value into one or many files of sysfs and procfs."""

import cpus
import firmware
import step
import system as files

NAMED_MAX = 3


def same(form, text, value):
    """Whether a file's text says the value; forms are those of the kernel's files."""
    try:
        if form == "choice":
            return firmware.chosen(text) == value
        if form == "mask":
            return cpus.parse_mask(text) == cpus.parse_list(value)
        if form == "list":
            return cpus.parse_list(text) == cpus.parse_list(value)
    except cpus.NotCpus:
        return False
    return text.strip() == value


def written(form, value, like):
    """What is written so that the file says the value."""
    return cpus.to_mask(cpus.parse_list(value), like) if form == "mask" else value


def shown(form, text):
    """A file's text for people."""
    text = firmware.chosen(text) if form == "choice" else text.strip()
    try:
        return cpus.to_list(cpus.parse_mask(text)) if form == "mask" else text
    except cpus.NotCpus:
        return text


def summed(values):
    """{"a": 3, "b": 1} of many files in words."""
    counts = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    if len(counts) == 1 and len(values) == 1:
        return str(values[0])
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    told = ", ".join(f"{value} ({count})" for value, count in ordered[:NAMED_MAX])
    return told + (", ..." if len(ordered) > NAMED_MAX else "")


def restore_text(system, path, before):
    """Writes a file's former text. Returns the kernel's refusal in words, or nothing."""
    if not system.exists(path) or system.raw(path) == before.encode():
        return ""
    value = firmware.chosen(before) if "[" in before else before.strip()
    try:
        system.write_knob(path, value)
    except OSError as error:
        return f"{path}: {files.why(error)}"
    return ""


class Knobs(step.Step):
    """Fields: `patterns` of files, `value`, `form`, and `may_refuse`, whether the kernel may."""

    kind = "knobs"
    runtime = True

    @property
    def tolerant(self):
        return self.fields["may_refuse"]

    def paths(self, system):
        return sorted({path for pattern in self.fields["patterns"]
                       for path in system.glob(pattern)})

    def _texts(self, system):
        """Path: text, of those that can be read."""
        read = {path: system.raw(path) for path in self.paths(system)}
        return {path: data.decode("utf-8", "replace") for path, data in read.items()
                if data is not None}

    def wanted(self, system):
        return self.fields["value"]

    def found(self, system):
        form = self.fields["form"]
        texts = self._texts(system)
        return summed([shown(form, text) for text in texts.values()]) if texts else "no such file"

    def _wrong(self, system):
        form, value = self.fields["form"], self.fields["value"]
        return {path: text for path, text in self._texts(system).items()
                if not same(form, text, value)}

    def status(self, system):
        if not self._texts(system):
            return step.Status(step.ABSENT, "no such file")
        wrong = {path: text for path, text in self._wrong(system).items()
                 if path not in self.refused or not self.tolerant}
        if not wrong:
            told = f"; {len(self.refused)} that the kernel keeps" if self.refused else ""
            return step.Status(step.OK, self.found(system) + told)
        mend = ""
        if len(wrong) == 1:
            (path, text), = wrong.items()
            mend = f"echo {written(self.fields['form'], self.fields['value'], text)} > {path}"
        return step.Status(step.WRONG, self.found(system), mend)

    def read(self, system):
        return self._texts(system)

    def merge(self, before, system):
        return {**self._texts(system), **before}

    def apply(self, system):
        self.refused = {}
        for path, text in self._wrong(system).items():
            try:
                system.write_knob(path, written(self.fields["form"], self.fields["value"], text))
            except OSError as error:
                self.refused[path] = files.why(error)

    def restore(self, system, before, same_boot):
        told = [restore_text(system, path, text) for path, text in before.items()
                if path not in self.refused]
        return "; ".join(filter(None, told))


def knobs(identity, patterns, value, what, why, form="text", may_refuse=False):
    if isinstance(patterns, str):
        patterns = [patterns]
    return Knobs(identity, what, why, patterns=list(patterns), value=value, form=form,
                 may_refuse=may_refuse)
