import ManaClient
import NIOHTTP1

/// Generates images for Mana.
struct Studio: Sendable {
  struct Answer {
    var status: HTTPResponseStatus
    var text: String
  }

  /// Why an image could not be generated.
  struct Failure: Error {}

  let client: ManaClient
  /// Longer than an image can take: when it passes, the ledger takes this service for dead, and refunds.
  let settlesWithin: Duration

  /// Generates an image and charges for it; what failed is not charged for.
  func answer(_ request: HTTPRequestHead, prompt: String) async -> Answer {
    guard request.method == .POST, request.uri == "/images" else { return Answer(status: .notFound, text: "not found") }
    guard let account = request.headers["account"].first.flatMap({ AccountID($0) }) else {
      return Answer(status: .badRequest, text: "the header account is missing")
    }
    do {
      let image = try await client.withSettlement(
        account, 10, for: .imageGeneration, settleWithin: settlesWithin, note: "image"
      ) { charge in
        let image = try await generate(prompt)
        // Ten Mana are reserved; what the image did not need is refunded.
        charge.used = image.cost
        return image
      }
      return Answer(status: .ok, text: "\(image.text) for \(image.cost) Mana")
    } catch let error as ManaError where error.status == .insufficientBalance || error.status == .accountUnknown {
      return Answer(status: .paymentRequired, text: "not enough Mana")
    } catch let error as ManaError {
      return Answer(status: error.isRetryable ? .serviceUnavailable : .internalServerError, text: "\(error.code)")
    } catch {
      return Answer(status: .internalServerError, text: "no image, and no charge")
    }
  }

  /// In the place of a model: fails for the prompt "fail", and takes an hour for the prompt "masterpiece".
  private func generate(_ prompt: String) async throws -> (text: String, cost: Mana) {
    if prompt == "fail" { throw Failure() }
    try await Task.sleep(for: prompt == "masterpiece" ? .seconds(3_600) : .milliseconds(5))
    return ("an image of \(prompt)", Mana(micromana: Int64(min(max(prompt.count, 1), 10)) * 1_000_000))
  }
}
