import ManaText

/// A line chart as inline SVG: axes with round numbers, one or more lines. Pure text, no script.
struct Chart {
  /// How the vertical axis counts.
  enum Scale {
    /// From zero.
    case linear
    /// Each decade as high as any other, so that what is small is seen beside what is large. Values are at least 1.
    case logarithmic
  }

  /// One line.
  struct Line {
    var name: String
    /// A class of the report's style sheet.
    var style: String
    var points: [(x: Double, y: Double)]
  }

  /// Marks of the horizontal axis: where, and what is written there.
  var marks: [(x: Double, label: String)]
  var xRange: ClosedRange<Double>
  var lines: [Line]
  var scale = Scale.linear
  /// Writes a value of the vertical axis.
  var yLabel: (Double) -> String

  private static let width = 720.0
  private static let height = 200.0
  private static let left = 84.0
  private static let right = 16.0
  private static let top = 28.0
  private static let bottom = 28.0

  /// The `svg` element; `title` is what a screen reader says.
  func svg(title: String) -> String {
    let values = lines.flatMap(\.points).map(\.y)
    // A second without a reply has no latency; a logarithm has no place for it either, and draws it at the foot.
    let axis = ChartAxis(scale, from: values.filter { $0 > 0 }.min() ?? 0, to: values.max() ?? 0)
    var parts = [
      "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" aria-label=\"\(HTML.escaped(title))\">"
    ]
    for value in axis.marks {
      let y = Self.number(vertical(value, axis))
      parts.append(
        "<line class=\"grid\" x1=\"\(Int(Self.left))\" x2=\"\(Int(Self.width - Self.right))\" y1=\"\(y)\" y2=\"\(y)\"/>"
      )
      parts.append(
        "<text class=\"y\" x=\"\(Int(Self.left) - 8)\" y=\"\(y)\" dy=\".35em\">\(HTML.escaped(yLabel(value)))</text>")
    }
    for mark in marks {
      let x = Self.number(horizontal(mark.x))
      parts.append("<text class=\"x\" x=\"\(x)\" y=\"\(Int(Self.height) - 8)\">\(HTML.escaped(mark.label))</text>")
    }
    for (index, line) in lines.enumerated() {
      let points = line.points.map { "\(Self.number(horizontal($0.x))),\(Self.number(vertical($0.y, axis)))" }
      parts.append("<polyline class=\"\(line.style)\" points=\"\(points.joined(separator: " "))\"/>")
      if lines.count > 1 {
        let x = Int(Self.left) + index * 80
        parts.append("<line class=\"\(line.style)\" x1=\"\(x)\" x2=\"\(x + 18)\" y1=\"12\" y2=\"12\"/>")
        parts.append("<text x=\"\(x + 24)\" y=\"12\" dy=\".35em\">\(HTML.escaped(line.name))</text>")
      }
    }
    return parts.joined(separator: "\n") + "\n</svg>"
  }

  private func horizontal(_ x: Double) -> Double {
    let span = xRange.upperBound - xRange.lowerBound
    let part = span > 0 ? (x - xRange.lowerBound) / span : 0
    return Self.left + part * (Self.width - Self.left - Self.right)
  }

  private func vertical(_ y: Double, _ axis: ChartAxis) -> Double {
    Self.height - Self.bottom - axis.position(y) * (Self.height - Self.bottom - Self.top)
  }

  private static func number(_ value: Double) -> String { NumberText.fixed(value, places: 1) }
}

/// Text inside a document.
enum HTML {
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(character)
      }
    }
    return result
  }
}
