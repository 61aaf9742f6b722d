"""Writes what the fuzzer begins with: the frames of the golden vectors, each behind a byte that asks for no repair but
of checksums, and a journal of a few blocks."""

import json
import pathlib
import sys


def main() -> None:
    corpus = pathlib.Path(sys.argv[1])
    vectors = pathlib.Path(__file__).resolve().parents[2] / "Protocol" / "vectors"
    for name in ("requests", "replies", "handshake", "journal", "records", "checkpoint", "identity"):
        (corpus / name).mkdir(parents=True, exist_ok=True)
    for file in sorted(vectors.glob("*.json")):
        for vector in json.loads(file.read_text())["vectors"]:
            stage = vector["stage"]
            if stage == "preface":
                continue
            from_client = vector["direction"] == "client"
            target = "handshake" if stage == "handshake" else "requests" if from_client else "replies"
            # The length stays as it is said: it is what many vectors are about.
            frame = b"\x01" + bytes.fromhex(vector["hex"])
            (corpus / target / f"seed-{file.stem}-{vector['name']}").write_bytes(frame)
    block = bytearray(512)
    block[8] = 0xFF
    block[72] = 96
    for count in (1, 2, 4):
        for kept in (0, 1, 2, 4, 8):
            (corpus / "journal" / f"seed-{count}-{kept}").write_bytes(bytes([kept]) + bytes(block) * count)
    # A purchase, a spend, one to be settled, a refund, a settlement, a bonus; then changes of a few bytes.
    items = bytes.fromhex("0101006420020006" "0201000a00010001" "03010a0a00014002" "0401020500030007")
    items += bytes.fromhex("0501030400050000" "0602000900040008")
    for changes in (b"", b"\x40\x00\x01", b"\x30\x01\x80\x99\x02\x10"):
        for target in ("records", "checkpoint"):
            (corpus / target / f"seed-{len(changes)}").write_bytes(bytes([6 << 1]) + items + changes)
    (corpus / "checkpoint" / "seed-raw").write_bytes(b"\x01" + bytes(2048))
    identity = bytearray(512)
    identity[8] = identity[12] = 1
    identity[42] = 1
    (corpus / "identity" / "seed").write_bytes(b"\x00" + bytes(identity))


if __name__ == "__main__":
    main()
