"""This program as one file, for the boot-time unit: the repository may be anywhere, or gone."""

import io
import pathlib
import zipfile

# The earliest that a zip file knows. With it, and uncompressed, the same sources give the same
# bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)


def made(folder=None):
    """The bytes of a zip file that Python runs."""
    folder = pathlib.Path(folder) if folder else pathlib.Path(__file__).parent
    if folder.is_file():
        # We run from it.
        return folder.read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith(("test_", "harness", "trees", "pretend")):
                info = zipfile.ZipInfo(path.name, EPOCH)
                info.external_attr = 0o100644 << 16
                archive.writestr(info, path.read_bytes())
    return packed.getvalue()
