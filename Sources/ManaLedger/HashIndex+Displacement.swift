import CIntrinsics

// Moving entries, so that each stays within reach of its home, and all buckets that it was displaced over stay full.

extension HashIndex {
  /// How many buckets beyond the home of an entry room is looked for, and how often one is moved for it at most.
  static let reach = 64

  /// An entry that is to be moved into the bucket in which there is room by then.
  private struct Move {
    /// Where it lies.
    var slot: UnsafeMutableRawPointer
    /// By how many buckets.
    var distance: Int
  }

  /// Stores an entry whose home and the three buckets behind it are full; false, with nothing changed, when not even
  /// moving others makes room for it. Constant time.
  @inline(never)
  func displace(for key: UInt64, _ payload: UInt64, in base: UnsafeMutableRawPointer) -> Bool {
    guard let (bucket, empty) = nearestRoom(beyond: key, in: base) else { return false }
    return withUnsafeTemporaryAllocation(of: Move.self, capacity: Self.reach) { moves in
      // From the room back towards the home: which entry goes there, whose slot is the room for the next one.
      var distance = bucket
      var count = 0
      while distance >= Self.displacements {
        guard let move = movable(to: key &+ UInt64(distance), in: base) else { return false }
        (moves.baseAddress! + count).initialize(to: move)
        count += 1
        distance -= move.distance
      }
      var room = empty
      for move in moves[..<count] {
        let entry = move.slot.load(as: UInt64.self)
        room.storeBytes(of: entry &+ displacementUnit &* UInt64(move.distance), as: UInt64.self)
        room = move.slot
      }
      room.storeBytes(of: slot(key, displacement: distance, payload: payload), as: UInt64.self)
      return true
    }
  }

  /// One bucket further, in a slot.
  private var displacementUnit: UInt64 { 1 &<< UInt64(truncatingIfNeeded: payloadBits) }

  private func displacement(_ entry: UInt64) -> Int { Int(truncatingIfNeeded: entry &>> UInt64(payloadBits) & 3) }

  private func emptySlot(_ line: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    let empty = mana_match_slots(line, 0, 0) &>> 8
    return empty == 0 ? nil : line + empty.trailingZeroBitCount &* 8
  }

  /// The first bucket out of an entry's own reach that has room: how far from the home, and its first empty slot.
  private func nearestRoom(
    beyond key: UInt64, in base: UnsafeMutableRawPointer
  ) -> (distance: Int, slot: UnsafeMutableRawPointer)? {
    for distance in Self.displacements..<Self.reach {
      if let slot = emptySlot(home(key &+ UInt64(distance), in: base)) { return (distance, slot) }
    }
    return nil
  }

  /// An entry that may be moved into a bucket from one of the three before it, which are full: of those the one that lies
  /// furthest.
  private func movable(to key: UInt64, in base: UnsafeMutableRawPointer) -> Move? {
    for distance in (1..<Self.displacements).reversed() {
      let line = home(key &- UInt64(distance), in: base)
      for index in 0..<Self.slotsPerBucket {
        let slot = line + index * 8
        if displacement(slot.load(as: UInt64.self)) + distance < Self.displacements {
          return Move(slot: slot, distance: distance)
        }
      }
    }
    return nil
  }

  // MARK: Removing

  /// Takes an entry away. Constant time.
  mutating func remove(_ hash: UInt64, payload: UInt64) {
    let wasPresent = removeIfPresent(hash, payload: payload)
    precondition(wasPresent, "the entry to be removed is not there")
  }

  /// The same, for an entry that may not exist.
  mutating func removeIfPresent(_ hash: UInt64, payload: UInt64) -> Bool {
    let key = Self.key(hash)
    let table = entry(key).table
    let base = table.pointee.base
    for displacement in 0..<Self.displacements {
      let bucket = key &+ UInt64(displacement)
      let line = home(bucket, in: base)
      let wanted = slot(key, displacement: displacement, payload: payload)
      for index in 0..<Self.slotsPerBucket where line.load(fromByteOffset: index * 8, as: UInt64.self) == wanted {
        takeOut(index, of: bucket, in: base)
        table.pointee.count -= 1
        count -= 1
        return true
      }
    }
    return false
  }

  /// Empties a slot. Where that leaves room in a bucket that others were displaced over, one of them takes it, and leaves
  /// its own.
  private func takeOut(_ index: Int, of bucket: UInt64, in base: UnsafeMutableRawPointer) {
    var (bucket, hole) = (bucket, home(bucket, in: base) + index * 8)
    while true {
      let line = home(bucket, in: base)
      if let empty = emptySlot(line) {
        closeUp(hole, before: empty)
        return
      }
      guard let (distance, slot) = displacedOver(bucket, in: base) else {
        closeUp(hole, before: line + Self.bucketBytes)
        return
      }
      let entry = slot.load(as: UInt64.self)
      hole.storeBytes(of: entry &- displacementUnit &* UInt64(distance), as: UInt64.self)
      (bucket, hole) = (bucket &+ UInt64(distance), slot)
    }
  }

  /// The last entry of a bucket takes the place of one that is gone.
  private func closeUp(_ hole: UnsafeMutableRawPointer, before end: UnsafeMutableRawPointer) {
    let last = end - 8
    hole.storeBytes(of: last.load(as: UInt64.self), as: UInt64.self)
    last.storeBytes(of: 0, as: UInt64.self)
  }

  /// The nearest entry that lies beyond a bucket although its home is there or before.
  private func displacedOver(
    _ bucket: UInt64, in base: UnsafeMutableRawPointer
  ) -> (distance: Int, slot: UnsafeMutableRawPointer)? {
    for distance in 1..<Self.displacements {
      let line = home(bucket &+ UInt64(distance), in: base)
      for index in 0..<Self.slotsPerBucket {
        let entry = line.load(fromByteOffset: index * 8, as: UInt64.self)
        if entry == 0 { break }
        if displacement(entry) >= distance { return (distance, line + index * 8) }
      }
    }
    return nil
  }
}
