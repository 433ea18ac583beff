"""Makes the parts of the stand-ins whose bytes no tool's version may change.

  stand-in-content.py payload FILE SEED BYTES   bytes that do not compress, the same for the same seed
  stand-in-content.py wheel FILE NAME VERSION   a wheel that holds one module
  stand-in-content.py gzip IN OUT               gzip without compression, name and time
"""

import hashlib
import pathlib
import struct
import sys
import zipfile
import zlib

CHUNK = 1 << 20
STORED_BLOCK = 65535


def payload(file: str, seed: str, size: str) -> None:
    """Writes `size` bytes of SHAKE-256 output, a megabyte for each block number."""
    pathlib.Path(file).parent.mkdir(parents=True, exist_ok=True)
    with open(file, "wb") as out:
        for number, start in enumerate(range(0, int(size), CHUNK)):
            block = hashlib.shake_256(f"{seed} {number}".encode())
            out.write(block.digest(min(CHUNK, int(size) - start)))


def wheel(file: str, name: str, version: str) -> None:
    """Writes a pure wheel whose module says that it is a stand-in."""
    info = f"{name}-{version}.dist-info"
    members = {
        f"{name}/__init__.py": '"""STAND-IN: the real module comes with Huawei\'s package."""\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: STAND-IN\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: stand-in\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    members[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*members, f"{info}/RECORD"])
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for path, text in members.items():
            entry = zipfile.ZipInfo(path, (2025, 12, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text)


def gzip(source: str, target: str) -> None:
    """Writes stored blocks: compressors differ between versions, these bytes cannot."""
    crc = size = 0
    with open(source, "rb") as data, open(target, "wb") as out:
        out.write(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
        while block := data.read(STORED_BLOCK):
            crc, size = zlib.crc32(block, crc), size + len(block)
            out.write(struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF) + block)
        out.write(struct.pack("<BHHII", 1, 0, 0xFFFF, crc, size & 0xFFFFFFFF))


if __name__ == "__main__":
    {"payload": payload, "wheel": wheel, "gzip": gzip}[sys.argv[1]](*sys.argv[2:])
