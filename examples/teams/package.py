#!/usr/bin/env python3
"""Makes the app package that Teams takes: manifest.json with your ids, and two icons.

    examples/teams/package.py APP_ID https://keyturn.example keyturn-teams.zip
"""
import pathlib
import re
import struct
import sys
import zipfile
import zlib

BLUE, WHITE, NOTHING = (0x1F, 0x4E, 0x79, 255), (255, 255, 255, 255), (0, 0, 0, 0)


def is_key(x, y):
    """A key in a square of side 1: a ring, a shaft and two teeth."""
    distance = ((x - 0.32) ** 2 + (y - 0.5) ** 2) ** 0.5
    ring = 0.09 <= distance <= 0.17
    shaft = 0.47 <= x <= 0.84 and 0.46 <= y <= 0.54
    teeth = 0.54 <= y <= 0.66 and (0.66 <= x <= 0.72 or 0.78 <= x <= 0.84)
    return ring or shaft or teeth


def png(side, ink, ground):
    """RGBA, 8 bits a sample (ISO/IEC 15948)."""
    rows = b"".join(b"\0" + b"".join(bytes(ink if is_key((x + 0.5) / side, (y + 0.5) / side) else ground) for x in range(side)) for y in range(side))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    app, url, out = sys.argv[1:]
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", app):
        sys.exit(f"APP_ID is the bot's Microsoft App ID, like 01234567-89ab-cdef-0123-456789abcdef; this is {app!r}")
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:\d+)?", url):
        sys.exit(f"the second word is Keyturn's public address, https://…, with no path; this is {url!r}")
    manifest = (pathlib.Path(__file__).parent / "manifest.json").read_text().replace("APP_ID", app.lower()).replace("PUBLIC_URL", url)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("manifest.json", manifest)
        package.writestr("color.png", png(192, WHITE, BLUE))
        package.writestr("outline.png", png(32, WHITE, NOTHING))
    print(f"{out}: upload it in Teams (Apps, Manage your apps, Upload an app) or in its admin center")


if __name__ == "__main__":
    main()
