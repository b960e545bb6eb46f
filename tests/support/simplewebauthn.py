"""npm @simplewebauthn/server over an evidence bundle: what an auditor runs (tests/peers/simplewebauthn/verify.mjs)."""
import subprocess

from . import npm
from .keyturn import ROOT

PEER = ROOT / "tests/peers/simplewebauthn"


def install():
    npm.install(PEER)


def verify(bundle, *words):
    """The finished process of `node verify.mjs BUNDLE --origin …`."""
    return subprocess.run(["node", str(PEER / "verify.mjs"), str(bundle), *words], capture_output=True, text=True, timeout=60)
