"""Text for people."""

from __future__ import annotations


def megabytes(size: int) -> str:
    """`size` in bytes with a unit, in decimal units as downloads are counted: "734 bytes", "12 MB", "2.4 GB"."""
    if size < 1_000_000:
        return f"{size / 1000:.0f} kB" if size >= 1000 else f"{size} bytes"
    return f"{size / 1e6:.0f} MB" if size < 1_000_000_000 else f"{size / 1e9:.1f} GB"
