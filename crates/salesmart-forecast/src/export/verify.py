"""Verifies the documents beside it: their hashes, and that each follows the one before."""
import hashlib
import pathlib
import sys

here = pathlib.Path(__file__).resolve().parent
sealed = dict(reversed(line.split("  ", 1)) for line in (here / "SHA256SUMS").read_text().splitlines())
before = None
for document in sorted((here / "snapshots").glob("*.txt")):
    content = document.read_bytes()
    hashed = hashlib.sha256(content).hexdigest()
    previous = content.split(b"\n", 2)[1].decode().removeprefix("previous ")
    if hashed != sealed.get(f"snapshots/{document.name}"):
        sys.exit(f"{document.name} is not the document that was sealed")
    if before not in (None, previous):
        sys.exit(f"{document.name} does not follow: it names {previous}, the one before is {before}")
    if before is None:
        print(f"{document.name} is the first; it follows {previous}")
    before = hashed
print(f"the chain holds; its head is {before}")
