import ManaLedger
import ManaProtocol

/// What lies behind the frame at the front of a session's input: while one group of small calls is executed, the memory
/// that the next two are going to touch is under way.
///
/// The frames are not checked yet, so that all of this only moves prefetches. It costs a call some 20 ns, and saves the
/// time that its lines take from memory.
struct FramesAhead: ~Copyable {
  private let items: UnsafeMutablePointer<UnsafeRawPointer>
  /// From the front of the input to the first frame that was not looked at.
  private var reach = 0
  /// Frames of the group that is executed which are still to come, and of the two groups behind it.
  private var current = 0
  private var near = 0
  private var far = 0
  /// Number of the group that is executed.
  private var group = 0

  init() { items = .allocate(capacity: Ledger.aheadItemsMax) }

  deinit { items.deallocate() }

  /// Another input, or the same with more in it.
  mutating func begin() {
    reach = 0
    (current, near, far) = (0, 0, 0)
  }

  /// The frame at the front of `input` is about to be executed. Amortized O(1).
  @inline(__always)
  mutating func look(at input: UnsafeRawBufferPointer, _ ledger: borrowing Ledger) {
    if current == 0 { next(input, ledger) }
    if current > 0 { current -= 1 }
  }

  /// It was, and is gone from the input.
  @inline(__always)
  mutating func consume(_ bytes: Int) { reach -= bytes }

  private mutating func next(_ input: UnsafeRawBufferPointer, _ ledger: borrowing Ledger) {
    (current, near, far) = (near, far, 0)
    group = following(group)
    if current == 0 {
      // Fewer would be executed before their memory came.
      guard input.count >= ServerLimits.lookedAheadBytesMin else { return }
      reach = 0
      current = locate(input, ledger, group)
      guard current > 0 else { return }
      near = locate(input, ledger, following(group))
      ledger.approachAhead(group: group, count: current)
    }
    if near > 0 { ledger.approachAhead(group: following(group), count: near) }
    far = locate(input, ledger, following(following(group)))
  }

  private func following(_ group: Int) -> Int { group + 1 == Ledger.aheadGroups ? 0 : group + 1 }

  /// Has the ledger ask for what the next frames lead to, up to one that is no small call; returns how many.
  private mutating func locate(_ input: UnsafeRawBufferPointer, _ ledger: borrowing Ledger, _ group: Int) -> Int {
    guard let base = input.baseAddress else { return 0 }
    var count = 0
    while count < Ledger.aheadItemsMax, reach + FrameHeader.bytes <= input.count {
      let frame = base + reach
      let length = Int(frame.u32(0))
      let item = Int(frame.u8(5)) * 8 + BatchView.preludeBytes
      guard item + Item.bytes <= length, length <= ServerLimits.lookedAtBytesMax, reach + length <= input.count else {
        break
      }
      items[count] = frame + item
      count += 1
      reach += length
    }
    if count > 0 { ledger.locateAhead(UnsafeBufferPointer(start: items, count: count), group: group) }
    return count
  }
}
