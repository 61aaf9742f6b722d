import FoundationEssentials
import ManaText

/// Figures as people and programs read them.
enum FigureText {
  private static func mark(_ verdict: Verdict, colour: Bool) -> String {
    guard colour else { return verdict.rawValue }
    switch verdict {
    case .surpassed, .reached: return "\u{1B}[32m\(verdict.rawValue)\u{1B}[0m"
    case .missed: return "\u{1B}[31m\(verdict.rawValue)\u{1B}[0m"
    case .noted, .unavailable: return verdict.rawValue
    }
  }

  /// Three lines a figure: what, then measured and verdict, then goal and remark.
  static func lines(_ figures: [Figure], colour: Bool = Style.isColoured) -> String {
    figures.map { figure in
      var lines = ["\(figure.name): \(figure.what)"]
      let verdict = figure.verdict == .noted ? "" : "  \(mark(figure.verdict, colour: colour))"
      lines.append("  measured  \(figure.measured)" + (figure.range.isEmpty ? "" : " (\(figure.range))") + verdict)
      if !figure.goal.isEmpty { lines.append("  goal      \(figure.goal)") }
      if !figure.remark.isEmpty { lines.append("            \(figure.remark)") }
      return lines.joined(separator: "\n")
    }.joined(separator: "\n")
  }

  /// What is printed at the end.
  static func whole(_ list: FigureList, json: Bool, markdown: Bool) throws(BenchError) -> String {
    if json { return try JSONOutput.text(Printed(list)) }
    guard markdown else { return "\n\(list.summary)\n\(list.date), \(list.machine); \(list.plan)" }
    let table = Table(
      columns: [("what", .left), ("goal", .left), ("measured", .left), ("verdict", .left)],
      rows: list.figures.map { figure in
        let range = figure.range.isEmpty ? "" : " (\(figure.range))"
        let remark = figure.remark.isEmpty ? "" : "; \(figure.remark)"
        return [figure.what, figure.goal, figure.measured + range + remark, figure.verdict.rawValue]
      })
    return "Measured on \(list.date): \(list.machine); \(list.plan).\n\n\(table.markdown)\n\n\(list.summary)."
  }
}

/// The list with its overall line.
private struct Printed: Encodable {
  var date: String
  var machine: String
  var plan: String
  var figures: [Figure]
  var reached: Int
  var missed: Int
  var unavailable: Int
  var summary: String

  init(_ list: FigureList) {
    (date, machine, plan, figures) = (list.date, list.machine, list.plan, list.figures)
    (reached, missed, unavailable, summary) = (list.reached, list.missed, list.unavailable, list.summary)
  }
}

enum JSONOutput {
  /// A value as one JSON object on one line, keys in the order of the alphabet.
  static func text(_ value: some Encodable) throws(BenchError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      throw .failed(what: "the result cannot be written as JSON (\(error))", output: "")
    }
  }
}

enum Style {
  /// Colours only on a terminal, and not for who asked for none (https://no-color.org).
  static var isColoured: Bool {
    System.isTerminal(1) && (System.environment("NO_COLOR") ?? "").isEmpty
  }
}

enum MachineText {
  static let unknown = "machine not named, nothing was loaded"

  static func text(_ machine: LoadFigures.Machine) -> String {
    let memory = NumberText.fixed(machine.memoryBytes / 1_073_741_824, places: 0)
    let processors = machine.processors == 1 ? "1 processor" : "\(machine.processors) processors"
    return "\(machine.processor), \(processors), \(memory) GiB, \(machine.system)"
  }
}

extension Plan {
  var text: String {
    let times = rounds == 1 ? "once" : "\(rounds) times, the median"
    return "each rate over \(Quantity.digits(seconds)) s, \(times)"
  }
}
