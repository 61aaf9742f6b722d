import ManaJournal
import ManaLedger

/// Where a shard's ledger finds records whose segments are not in memory: among those that the request that is being
/// executed has waited for, and in the blocks that were read back lately.
final class ShardRecords {
  /// What the ledger asks. It must live as long as the ledger, so that the shard keeps this object.
  let absent: AbsentRecords
  /// Of the request that is being executed.
  var pinned: PinnedRecords? {
    get { places.pinned }
    set { places.pinned = newValue }
  }
  private let places: Places

  private final class Places {
    var archive: SegmentArchive?
    var pinned: PinnedRecords?
  }

  init() {
    let places = Places()
    self.places = places
    absent = AbsentRecords(
      find: { places.pinned?.pointer(at: $0) ?? places.archive?.pointer(at: $0) },
      findItem: { position in
        places.pinned?.pointer(at: position) ?? places.pinned?.item(at: position)
          ?? places.archive?.start(of: position, bytes: RecordSpace.itemBytes)
      })
  }

  /// The records of a journal, as its ledger reads them.
  func space(_ segments: SegmentTable) -> RecordSpace {
    places.archive = segments.archive
    return RecordSpace(segments, absent: segments.archive == nil ? nil : absent)
  }

  /// Why a record could not be read while the journal was opened.
  var failure: JournalError? { places.archive?.failure }
}

extension RecordSpace {
  /// The segments of a journal.
  init(_ segments: SegmentTable, absent: AbsentRecords? = nil) {
    self.init(
      bases: segments.bases, segmentShift: segments.shift + JournalLimits.recordAlignment.trailingZeroBitCount,
      absent: absent)
  }
}
