"""The committed vectors are what the cases generate, mean what they state, and agree with two decoders."""

from __future__ import annotations

import json
import unittest
from collections import Counter
from typing import Any, Dict, Iterator, Tuple

import locate_package
from generate_vectors import documents, rendered
from independent import frame as independent_frame
from independent import posting as independent_posting
from independent import primitives
from mana_ledger import protocol
from mana_ledger.protocol import Hello, ProtocolError

Json = Dict[str, Any]

#: Level, status, and of an invalid filter the field.
Verdict = Tuple[str, str, str]


def committed() -> Iterator[Tuple[str, Json]]:
    """Each vector that is committed, with its file."""
    for path in sorted(locate_package.VECTORS.glob("*.json")):
        for vector in json.loads(path.read_text(encoding="utf-8"))["vectors"]:
            yield path.name, vector


def library_verdict(vector: Json) -> Verdict:
    """The library's own refusal; ``("", "ok", "")`` when it accepts the frame."""
    data = bytes.fromhex(vector["hex"])
    try:
        protocol.check_header(data)
        frame = protocol.parse_frame(data)
        if vector["direction"] == "server":
            protocol.decode_reply(frame)
        elif vector["stage"] == "handshake":
            protocol.check_hello_header(frame)
            Hello.decode(frame.body)
        else:
            protocol.decode_request(frame)
    except ProtocolError as error:
        invalid_filter = error.status == protocol.Status.invalidFilter
        return error.level, error.status.name, error.message if invalid_filter else ""
    return "", "ok", ""


def independent_verdict(vector: Json) -> Verdict:
    """The same from the second reading of the specification."""
    data = bytes.fromhex(vector["hex"])
    try:
        independent_frame.decode(data, vector["direction"], vector["stage"])
    except primitives.Refused as refused:
        return refused.level, refused.status, refused.field
    return "", "ok", ""


class CommittedVectors(unittest.TestCase):
    """The files themselves."""

    def test_files_are_what_the_cases_generate(self) -> None:
        expected = {path: rendered(document) for path, document in documents().items()}
        found = {
            path.relative_to(locate_package.VECTORS).as_posix(): path.read_text(encoding="utf-8")
            for path in locate_package.VECTORS.rglob("*.json")
        }
        self.assertEqual(sorted(expected), sorted(found))
        for path, text in expected.items():
            self.assertTrue(found[path] == text, f"{path} is not what generate_vectors.py writes")

    def test_names_are_unique_in_a_file(self) -> None:
        counts = Counter((path, vector["name"]) for path, vector in committed())
        self.assertEqual([name for name, count in counts.items() if count > 1], [])

    def test_each_vector_has_the_documented_shape(self) -> None:
        for path, vector in committed():
            with self.subTest(file=path, vector=vector["name"]):
                self.assertIn(vector["direction"], ("client", "server"))
                self.assertIn(vector["stage"], ("preface", "handshake", "established"))
                self.assertTrue(vector["about"].strip())
                if vector["valid"]:
                    self.assertNotIn("error", vector)
                    continue
                error = vector["error"]
                self.assertIn(error["level"], ("connection", "request", "item"))
                self.assertIn(error["status"], protocol.Status.__members__)
                self.assertEqual("field" in error, error["status"] == "invalidFilter")
                if vector["stage"] == "preface":
                    self.assertIn(error["answer"], ("http400", "tlsAlert", "goAway"))
                self.assertEqual(error["connectionSurvives"], error["level"] != "connection")

    def test_every_opcode_is_covered_in_both_directions(self) -> None:
        seen = {
            (vector["frame"]["opcode"], vector["frame"]["reply"]) for _, vector in committed() if vector["valid"]
        }
        names = {opcode.name for opcode in protocol.Opcode} - {"hello", "welcome", "goAway"}
        expected = {(name, reply) for name in names for reply in (False, True)}
        expected |= {("hello", False), ("welcome", False), ("goAway", False)}
        self.assertEqual(seen, expected)


class ValidVectors(unittest.TestCase):
    """Frames that are accepted."""

    def test_the_independent_decoder_reads_the_stated_meaning(self) -> None:
        for path, vector in committed():
            if "frame" in vector:
                with self.subTest(file=path, vector=vector["name"]):
                    data = bytes.fromhex(vector["hex"])
                    decoded = independent_frame.decode(data, vector["direction"], vector["stage"])
                    self.assertEqual(decoded, vector["frame"])

    def test_the_library_accepts_them(self) -> None:
        for path, vector in committed():
            if "frame" in vector:
                with self.subTest(file=path, vector=vector["name"]):
                    self.assertEqual(library_verdict(vector), ("", "ok", ""))

    def test_valid_items_are_refused_by_no_rule(self) -> None:
        for path, vector in committed():
            if vector["valid"] and "items" in vector["frame"]["body"]:
                for item in vector["frame"]["body"]["items"]:
                    with self.subTest(file=path, vector=vector["name"]):
                        call = vector["frame"]["opcode"]
                        self.assertEqual(independent_posting.item_refusal(call, item), "ok")

    def test_a_reader_cuts_the_stream_at_any_byte(self) -> None:
        frames = [bytes.fromhex(vector["hex"]) for _, vector in committed() if vector["valid"]]
        stream = b"".join(frames)
        for step in (1, 7, 32, 33, 4_096, len(stream)):
            with self.subTest(step=step):
                reader = protocol.FrameReader()
                pieces = (stream[start : start + step] for start in range(0, len(stream), step))
                found = [frame for piece in pieces for frame in reader.feed(piece)]
                self.assertEqual(found, [protocol.parse_frame(data) for data in frames])


class BrokenVectors(unittest.TestCase):
    """Bytes that are refused."""

    def check(self, verdict: Any) -> None:
        for path, vector in committed():
            if vector["valid"] or vector["stage"] == "preface" or vector["error"]["level"] == "item":
                continue
            with self.subTest(file=path, vector=vector["name"]):
                level, status, field = verdict(vector)
                if vector["error"]["status"] == "wrongLedger":
                    self.assertEqual(status, "ok", "only a server knows its ledger")
                    continue
                self.assertEqual(status, vector["error"]["status"])
                self.assertEqual(field, vector["error"].get("field", ""))
                if vector["stage"] != "handshake":
                    self.assertEqual(level, vector["error"]["level"])

    def test_the_library_refuses_them_as_stated(self) -> None:
        self.check(library_verdict)

    def test_the_independent_decoder_refuses_them_as_stated(self) -> None:
        self.check(independent_verdict)

    def test_items_are_refused_as_stated(self) -> None:
        for path, vector in committed():
            if vector["valid"] or vector["error"]["level"] != "item":
                continue
            with self.subTest(file=path, vector=vector["name"]):
                body, error = vector["frame"]["body"], vector["error"]
                call = vector["frame"]["opcode"]
                found = [independent_posting.item_refusal(call, item) for item in body["items"]]
                stated = error["itemStatuses"]
                self.assertEqual(len(stated), len(found))
                first = next(index for index, status in enumerate(found) if status != "ok")
                self.assertEqual(error["item"], first)
                self.assertEqual(error["status"], stated[first])
                self.assertEqual(found[first], error["status"])
                if "atomic" in body["flags"]:
                    self.assertEqual({s for i, s in enumerate(stated) if i != first}, {"notApplied"})
                else:
                    others = [status if status != "ok" else None for status in found[first + 1 :]]
                    self.assertEqual(stated[first + 1 :], others)

    def test_wrong_prefaces_differ_from_the_preface(self) -> None:
        for path, vector in committed():
            if vector["stage"] == "preface":
                with self.subTest(file=path, vector=vector["name"]):
                    self.assertFalse(bytes.fromhex(vector["hex"]).startswith(protocol.PREFACE))

    def test_each_stateless_item_status_is_covered(self) -> None:
        errors = [vector["error"] for _, vector in committed() if not vector["valid"]]
        seen = {error["status"] for error in errors if error["level"] == "item"}
        self.assertEqual(seen, {status.name for status in protocol.Status if 1 <= status <= 14})


if __name__ == "__main__":
    unittest.main()
