-- A dissector of the Mana wire protocol, version 1, for Wireshark and tshark 3.6 or later. PROTOCOL.md beside this file
-- says what the bytes mean; sections are named after it.
--
--   tshark -X lua_script:Protocol/mana.lua -r capture.pcapng -Y 'mana.status != 0'
--
-- To have it always, copy it to the folder of personal Lua plugins (Help, About, Folders). It knows a connection by its
-- preface; what was captured from the middle of one is taken for Mana at port 7420, or with "Decode As". In TLS, whose
-- keys Wireshark must be given, it is found by the application protocol mana/1. It shows no token.

local mana = Proto("mana", "Mana Ledger")

-- Codes

local opcodes = {
  [0x01] = "hello", [0x02] = "goAway", [0x10] = "spend", [0x11] = "refund", [0x12] = "purchase", [0x13] = "bonus",
  [0x14] = "post", [0x15] = "settle", [0x20] = "listTransactions", [0x21] = "getAccount",
  [0x22] = "lookupTransaction", [0x23] = "balanceAt", [0x24] = "listUnsettled", [0x30] = "ping",
  [0x31] = "serverStatus", [0x32] = "shardStatus", [0x33] = "drain",
}
local types = { [1] = "spend", [2] = "purchase", [3] = "refund", [4] = "bonus", [5] = "settlement" }
local operations = {
  [0] = "none", [1] = "image_generation", [2] = "detection", [3] = "variation", [4] = "combination", [5] = "export",
  [6] = "purchase", [7] = "refund", [8] = "bonus",
}
local settlements = {
  [0] = "none asked", [1] = "unsettled", [2] = "settled", [3] = "ended by a refund", [4] = "timed out",
}
local conflicts = {
  [0] = "none", [1] = "type", [2] = "operation", [3] = "amount", [4] = "quantity", [5] = "related", [6] = "flags",
  [7] = "reference", [8] = "note",
}
local extensions = { [1] = "client name", [2] = "token", [3] = "server name and version" }
local statuses = {
  [0] = "ok", [1] = "unknownType", [2] = "typeMismatch", [3] = "unknownOperation", [4] = "operationMismatch",
  [5] = "reservedFlag", [6] = "idMissing", [7] = "accountMissing", [8] = "relatedMissing", [9] = "relatedNotAllowed",
  [10] = "settlementTimeoutOutOfRange", [11] = "amountZero", [12] = "amountNotAllowed", [13] = "amountTooLarge",
  [14] = "textInvalid", [15] = "idConflict", [16] = "voided", [17] = "accountUnknown", [18] = "originalUnknown",
  [19] = "originalNotSpend", [20] = "settlementNotExpected", [21] = "alreadySettled", [22] = "alreadyRefunded",
  [23] = "settlementTimedOut", [24] = "usedExceedsAmount", [25] = "nothingToRefund", [26] = "refundExceedsOriginal",
  [27] = "insufficientBalance", [28] = "balanceOverflow", [29] = "accountFull", [30] = "notApplied",
  [31] = "transactionUnknown", [257] = "bodyChecksumMismatch", [258] = "reservedBits", [259] = "unknownOpcode",
  [260] = "malformedBody", [261] = "emptyBatch", [262] = "batchTooLarge", [263] = "atomicAccountsDiffer",
  [264] = "invalidFilter", [265] = "deadlineExceeded", [266] = "overloaded", [267] = "diskFull",
  [268] = "shuttingDown", [269] = "roleMissing", [270] = "amountAboveLimit", [271] = "creditAboveLimit",
  [272] = "accountNotAllowed", [273] = "rateExceeded", [274] = "diskUnreadable",
  [513] = "prefaceMismatch", [514] = "headerChecksumMismatch",
  [515] = "unsupportedVersion", [516] = "malformedHeader", [517] = "frameTooLarge", [518] = "helloExpected",
  [519] = "malformedHello", [520] = "wrongLedger", [521] = "criticalExtensionUnknown", [522] = "tooManyConnections",
  [523] = "handshakeTimeout", [524] = "unexpectedHello", [525] = "credentialMissing", [526] = "credentialUnknown",
  [527] = "credentialExposed", [528] = "tooManyConnectionsOfCaller", [529] = "idleTimeout",
}

-- Fields: by name as in a display filter, without the "mana." before it.

local f = {}
local function field(kind, name, title, ...)
  f[name] = ProtoField[kind]("mana." .. name, title, ...)
end

field("bytes", "preface", "Preface")
field("uint32", "length", "Length")
field("uint8", "version", "Version")
field("uint8", "header_words", "Header words")
field("uint8", "opcode", "Opcode", base.HEX, opcodes, 0x7f)
field("bool", "reply", "Reply", 8, nil, 0x80)
field("uint8", "flags", "Flags", base.HEX)
field("bool", "not_executed", "Not executed", 8, nil, 0x01)
field("bool", "retryable", "Retryable", 8, nil, 0x02)
field("uint64", "correlation", "Correlation", base.DEC)
field("uint16", "status", "Status", base.DEC, statuses)
field("uint32", "deadline", "Deadline (µs)")
field("uint32", "retry_after", "Retry after (µs)")
field("uint32", "body_checksum", "Body checksum", base.HEX)
field("uint32", "header_checksum", "Header checksum", base.HEX)
field("string", "header_extension", "Header extension")
field("uint8", "trace_flags", "Trace flags", base.HEX)
field("bool", "sampled", "Sampled", 8, nil, 0x01)
field("string", "span", "Span")
field("string", "trace", "Trace")
field("framenum", "reply_in", "Reply in", base.NONE, frametype.RESPONSE)
field("framenum", "request_in", "Request in", base.NONE, frametype.REQUEST)
field("relative_time", "time", "Time from the request")
field("string", "error", "Error")
field("uint32", "detail", "Detail")
field("uint32", "shard_count", "Shards")
field("string", "ledger", "Ledger")
field("string", "instance", "Instance")
field("string", "extension", "Extension")
field("bool", "atomic", "Atomic", 16, nil, 0x0001)
field("bool", "full_results", "Full results", 16, nil, 0x0002)
field("uint32", "items", "Items")
field("uint32", "posted", "Posted")
field("uint32", "replayed", "Replayed")
field("string", "id", "Id")
field("string", "account", "Account")
field("string", "related", "Related")
field("uint64", "settlement_timeout", "Settlement timeout (ms)", base.DEC)
field("uint64", "amount", "Amount (micromana)", base.DEC)
field("int64", "balance", "Balance (micromana)", base.DEC)
field("uint32", "quantity", "Quantity")
field("uint8", "type", "Type", base.DEC, types, 0x0f)
field("bool", "remaining", "Remaining", 8, nil, 0x10)
field("bool", "void_if_unknown", "Void if unknown", 8, nil, 0x20)
field("bool", "unsettled", "Unsettled", 8, nil, 0x40)
field("uint8", "operation", "Operation", base.DEC, operations)
field("string", "reference", "Reference")
field("string", "note", "Note")
field("uint16", "item_status", "Status of the item", base.DEC, statuses)
field("bool", "item_replayed", "Replayed", 8, nil, 0x01)
field("uint8", "conflict", "Field that differs", base.DEC, conflicts)
field("uint32", "sequence", "Sequence number")
field("absolute_time", "timestamp", "Time", base.UTC)
field("uint64", "refundable", "Refundable (micromana)", base.DEC)
field("uint64", "refunded", "Refunded (micromana)", base.DEC)
field("uint8", "settlement", "Settlement", base.DEC, settlements)
field("uint64", "start", "Start", base.DEC)
field("uint64", "next", "Cursor", base.DEC)
field("bool", "more", "More", 32, nil, 0x01)
field("bool", "oldest_first", "Oldest first", 32, nil, 0x01)
field("uint32", "limit", "Limit")
field("uint32", "filter_types", "Types", base.HEX)
field("uint32", "filter_operations", "Operations", base.HEX)
field("uint64", "total", "Total", base.DEC)
field("uint64", "examined", "Records examined", base.DEC)
field("uint64", "figure", "Figure", base.DEC)
field("bytes", "ping", "Echoed")
field("bytes", "body", "Body")

mana.fields = f

local refused = ProtoExpert.new("mana.refused", "Refused", expert.group.RESPONSE_CODE, expert.severity.NOTE)
local malformed = ProtoExpert.new("mana.malformed", "Lengths do not fit", expert.group.MALFORMED, expert.severity.ERROR)
mana.experts = { refused, malformed }

local stream_of_tcp = Field.new("tcp.stream")

-- Values

local preface = ByteArray.new("4D414E410D0A1A01")
local HEADER, ITEM, TRANSACTION = 32, 64, 96
local FRAME_MAX = 1048576

-- An id or an account as the programs write it: an integer below 2^64, otherwise a UUID.
local function number128(range)
  if range(8, 8):le_uint64() == UInt64(0) then return tostring(range(0, 8):le_uint64()) end
  local digits = {}
  for place = 15, 0, -1 do digits[#digits + 1] = string.format("%02x", range(place, 1):uint()) end
  local hex = table.concat(digits)
  return string.format("%s-%s-%s-%s-%s", hex:sub(1, 8), hex:sub(9, 12), hex:sub(13, 16), hex:sub(17, 20), hex:sub(21))
end

-- Micromana as Mana: "-1.5".
local function as_mana(micromana)
  local digits = tostring(micromana)
  local sign = ""
  if digits:sub(1, 1) == "-" then sign, digits = "-", digits:sub(2) end
  digits = string.rep("0", 7 - #digits) .. digits
  local fraction = digits:sub(-6):gsub("0+$", "")
  return sign .. digits:sub(1, -7) .. "." .. (fraction == "" and "0" or fraction)
end

local function add128(tree, name, range)
  return tree:add(f[name], range, number128(range))
end

local function add_amount(tree, name, range)
  tree:add_le(f[name], range):append_text(" = " .. as_mana(range:le_uint64()) .. " Mana")
end

local function add_balance(tree, range)
  tree:add_le(f.balance, range):append_text(" = " .. as_mana(range:le_int64()) .. " Mana")
end

local function add_time(tree, range)
  local nanoseconds = range:le_uint64()
  local billion = UInt64(1000000000)
  local time = NSTime.new((nanoseconds / billion):tonumber(), (nanoseconds % billion):tonumber())
  tree:add(f.timestamp, range, time)
end

-- Adds unsigned 64-bit figures by their names in order.
local function add_figures(tree, body, offset, names)
  for index, name in ipairs(names) do
    local range = body(offset + 8 * (index - 1), 8)
    tree:add_le(f.figure, range):set_text(name .. ": " .. tostring(range:le_uint64()))
  end
end

-- Sections 5 and 6: items, results, transactions

-- The 64 bytes that items and transactions begin with; and their texts, which begin at `text`. Where these end.
local function add_item(tree, body, offset, text)
  local type = body(offset + 60, 1):bitfield(4, 4)
  local is_unsettled = body(offset + 60, 1):bitfield(1, 1) == 1
  add128(tree, "id", body(offset, 16))
  add128(tree, "account", body(offset + 16, 16))
  if type == 1 and is_unsettled then
    tree:add_le(f.settlement_timeout, body(offset + 32, 8))
  elseif type == 3 or type == 5 then
    add128(tree, "related", body(offset + 32, 16))
  end
  add_amount(tree, "amount", body(offset + 48, 8))
  tree:add_le(f.quantity, body(offset + 56, 4))
  for _, name in ipairs({ "type", "remaining", "void_if_unknown", "unsettled" }) do
    tree:add(f[name], body(offset + 60, 1))
  end
  tree:add(f.operation, body(offset + 61, 1))
  for index, name in ipairs({ "reference", "note" }) do
    local length = body(offset + 61 + index, 1):uint()
    if length > 0 then tree:add(f[name], body(text, length), body(text, length):string(ENC_UTF_8)) end
    text = text + length
  end
  tree:append_text(string.format(
    ": %s of %s Mana, account %s", types[type] or "type " .. type, as_mana(body(offset + 48, 8):le_uint64()),
    number128(body(offset + 16, 16))))
  return text
end

local function add_transaction(tree, body, offset, text)
  local branch = tree:add(mana, body(offset, TRANSACTION), "Transaction")
  add_balance(branch, body(offset + 64, 8))
  add_time(branch, body(offset + 72, 8))
  add_amount(branch, "refunded", body(offset + 80, 8))
  branch:add(f.settlement, body(offset + 88, 1))
  branch:add_le(f.sequence, body(offset + 92, 4))
  return add_item(branch, body, offset, text)
end

local function batch(tree, body)
  local count = body(4, 4):le_uint()
  tree:add_le(f.atomic, body(2, 2))
  tree:add_le(f.full_results, body(2, 2))
  tree:add_le(f.items, body(4, 4))
  local text = 32 + ITEM * count
  for index = 0, count - 1 do
    local branch = tree:add(mana, body(32 + ITEM * index, ITEM), "Item " .. index)
    text = add_item(branch, body, 32 + ITEM * index, text)
  end
  return count == 1 and "1 item" or count .. " items"
end

local function results(tree, body)
  local stride, count = body(0, 2):le_uint(), body(4, 4):le_uint()
  assert(stride >= 16)
  tree:add_le(f.items, body(4, 4))
  tree:add_le(f.posted, body(8, 4))
  tree:add_le(f.replayed, body(12, 4))
  for index = 0, count - 1 do
    local at = 16 + stride * index
    local status = body(at, 2):le_uint()
    local branch = tree:add(mana, body(at, stride), "Result " .. index .. ": " .. (statuses[status] or status))
    branch:add_le(f.item_status, body(at, 2))
    branch:add(f.item_replayed, body(at + 2, 1))
    branch:add(f.conflict, body(at + 3, 1))
    branch:add_le(f.sequence, body(at + 4, 4))
    add_amount(branch, "amount", body(at + 8, 8))
    if stride >= 40 then
      add_balance(branch, body(at + 16, 8))
      add_time(branch, body(at + 24, 8))
      add_amount(branch, "refundable", body(at + 32, 8))
    end
    if status ~= 0 then branch:add_proto_expert_info(refused, "Item refused: " .. (statuses[status] or status)) end
  end
  return string.format(
    "%d items, %d posted, %d replayed", count, body(8, 4):le_uint(), body(12, 4):le_uint())
end

local function history_request(tree, body)
  add128(tree, "account", body(0, 16))
  tree:add_le(f.start, body(16, 8))
  tree:add_le(f.limit, body(24, 4))
  tree:add_le(f.oldest_first, body(28, 4))
  tree:add_le(f.filter_types, body(32, 4))
  tree:add_le(f.filter_operations, body(36, 4))
  for index, title in ipairs({ "Time from", "Time to", "Amount from", "Amount to" }) do
    local range = body(32 + 8 * index, 8)
    tree:add_le(f.figure, range):set_text(title .. ": " .. tostring(range:le_uint64()))
  end
  add128(tree, "related", body(72, 16))
  local length = body(88, 4):le_uint()
  if length > 0 then tree:add(f.reference, body(96, length), body(96, length):string(ENC_UTF_8)) end
  return "account " .. number128(body(0, 16))
end

local function history_reply(tree, body)
  local count, stride = body(0, 4):le_uint(), body(36, 2):le_uint()
  assert(stride >= TRANSACTION)
  tree:add_le(f.items, body(0, 4))
  tree:add_le(f.more, body(4, 4))
  tree:add_le(f.total, body(8, 8))
  tree:add_le(f.next, body(16, 8))
  add_balance(tree, body(24, 8))
  tree:add_le(f.examined, body(40, 8))
  local text = 48 + stride * count
  for index = 0, count - 1 do text = add_transaction(tree, body, 48 + stride * index, text) end
  return string.format("%d of %s transactions", count, tostring(body(8, 8):le_uint64()))
end

local function unsettled_request(tree, body)
  add128(tree, "account", body(0, 16))
  tree:add_le(f.start, body(16, 8))
  tree:add_le(f.limit, body(24, 4))
  return "account " .. number128(body(0, 16))
end

local function account_request(tree, body)
  add128(tree, "account", body(0, 16))
  return "account " .. number128(body(0, 16))
end

local function account_reply(tree, body)
  add128(tree, "account", body(0, 16))
  add_balance(tree, body(16, 8))
  for index, title in ipairs({ "Spent", "Purchased", "Refunded", "Bonus", "Unsettled" }) do
    local range = body(16 + 8 * index, 8)
    tree:add_le(f.figure, range):set_text(title .. ": " .. as_mana(range:le_uint64()) .. " Mana")
  end
  tree:add_le(f.total, body(64, 8))
  add_time(tree, body(72, 8))
  add_time(tree, body(80, 8))
  for code = 1, body(96, 4):le_uint() do
    local at = 104 + 16 * (code - 1)
    tree:add(mana, body(at, 16), string.format(
      "%s: %s Mana in %s", operations[code] or "operation " .. code, as_mana(body(at, 8):le_uint64()),
      tostring(body(at + 8, 8):le_uint64())))
  end
  return "balance " .. as_mana(body(16, 8):le_int64())
end

local function lookup_request(tree, body)
  add128(tree, "account", body(0, 16))
  add128(tree, "id", body(16, 16))
  return "account " .. number128(body(0, 16)) .. ", id " .. number128(body(16, 16))
end

local function lookup_reply(tree, body)
  add_transaction(tree, body, 8, 8 + TRANSACTION)
  return ""
end

local function balance_request(tree, body)
  add128(tree, "account", body(0, 16))
  add_time(tree, body(16, 8))
  return "account " .. number128(body(0, 16))
end

local function balance_reply(tree, body)
  add_balance(tree, body(0, 8))
  tree:add_le(f.figure, body(8, 8)):set_text("Sequence number: " .. tostring(body(8, 8):le_uint64()))
  add_time(tree, body(16, 8))
  return "balance " .. as_mana(body(0, 8):le_int64())
end

-- Sections 4 and 7: handshake and other calls

local function add_extensions(tree, body, offset)
  while offset + 4 <= body:len() do
    local kind, length = body(offset, 2):le_uint() % 0x8000, body(offset + 2, 2):le_uint()
    local value = body(offset + 4, length)
    local shown = kind == 2 and length .. " bytes, not shown" or value:string(ENC_UTF_8)
    tree:add(f.extension, value, (extensions[kind] or "kind " .. kind) .. ": " .. shown)
    offset = offset + math.ceil((4 + length) / 8) * 8
  end
end

local function hello(tree, body)
  add128(tree, "ledger", body(16, 16))
  add128(tree, "instance", body(32, 16))
  add_extensions(tree, body, 56)
  return string.format("versions %d to %d", body(0, 1):uint(), body(1, 1):uint())
end

local function welcome(tree, body)
  tree:add_le(f.shard_count, body(4, 4))
  add128(tree, "ledger", body(16, 16))
  add128(tree, "instance", body(32, 16))
  for index, title in ipairs({ "Largest frame", "Most items", "Most requests in flight", "Most bytes in flight" }) do
    local range = body(44 + 4 * index, 4)
    tree:add(mana, range, title .. ": " .. range:le_uint())
  end
  add_time(tree, body(72, 8))
  add_extensions(tree, body, 88)
  return "version " .. body(0, 1):uint()
end

local function problem(tree, body)
  local text = body(8, body(0, 4):le_uint())
  tree:add(f.error, text, text:string(ENC_UTF_8))
  tree:add_le(f.detail, body(4, 4))
  return text:string(ENC_UTF_8)
end

local function ping(tree, body)
  if body:len() > 0 then tree:add(f.ping, body()) end
  return body:len() .. " bytes"
end

local function nothing() return "" end

local function server_status(tree, body)
  add_figures(tree, body, 0, {
    "Uptime (ns)", "Accounts", "Transactions", "Posted since start", "Blocks since start", "Last flush (ns)",
    "Resident bytes",
  })
  return ""
end

local shard_figures = {
  "Accounts", "Transactions", "Posted", "Replayed", "Items refused", "Posting requests", "Reading requests",
  "Requests refused", "Bytes received", "Bytes sent", "Connections", "Connections holding", "Parts waiting",
  "Parts held", "Resident bytes", "Journal block", "Journal position", "Blocks written", "Bytes written",
  "Recovery (ns)", "Requests (ns)", "Flushes (ns)",
}

local function shard_status(tree, body)
  local stride, count = body(0, 4):le_uint(), body(4, 4):le_uint()
  assert(stride >= 8 * #shard_figures)
  for index = 0, count - 1 do
    local branch = tree:add(mana, body(16 + stride * index, stride), "Row " .. index)
    add_figures(branch, body, 16 + stride * index, shard_figures)
  end
  return count .. " shards"
end

local requests = {
  [0x01] = hello, [0x02] = nothing, [0x20] = history_request, [0x21] = account_request, [0x22] = lookup_request,
  [0x23] = balance_request, [0x24] = unsettled_request, [0x30] = ping, [0x31] = nothing, [0x32] = nothing,
  [0x33] = nothing,
}
local replies = {
  [0x01] = welcome, [0x02] = problem, [0x20] = history_reply, [0x21] = account_reply, [0x22] = lookup_reply,
  [0x23] = balance_reply, [0x24] = history_reply, [0x30] = ping, [0x31] = server_status, [0x32] = shard_status,
  [0x33] = nothing,
}
for call = 0x10, 0x15 do
  requests[call] = batch
  replies[call] = results
end

-- Which request a reply belongs to: by connection and correlation id, as they are first seen.

local waiting, reply_of, request_of

function mana.init()
  waiting, reply_of, request_of = {}, {}, {}
end

local function match(tree, pinfo, correlation, is_reply)
  local stream = stream_of_tcp()
  local call = (stream and tostring(stream.value) or "") .. ":" .. correlation
  local place = call .. ":" .. pinfo.number
  if not pinfo.visited then
    if is_reply then
      local request = waiting[call]
      if request then
        request_of[place] = request
        reply_of[request.place] = pinfo.number
        waiting[call] = nil
      end
    else
      waiting[call] = { number = pinfo.number, time = pinfo.rel_ts, place = place }
    end
  end
  if is_reply and request_of[place] then
    local request = request_of[place]
    tree:add(f.request_in, request.number):set_generated()
    local seconds = pinfo.rel_ts - request.time
    tree:add(f.time, NSTime.new(math.floor(seconds), math.floor(seconds % 1 * 1e9 + 0.5))):set_generated()
  elseif not is_reply and reply_of[place] then
    tree:add(f.reply_in, reply_of[place]):set_generated()
  end
end

-- Section 3: frames

local function add_header(tree, header, is_reply)
  tree:add_le(f.length, header(0, 4))
  tree:add(f.version, header(4, 1))
  tree:add(f.header_words, header(5, 1))
  tree:add(f.opcode, header(6, 1))
  tree:add(f.reply, header(6, 1))
  local flags = tree:add(f.flags, header(7, 1))
  flags:add(f.not_executed, header(7, 1))
  flags:add(f.retryable, header(7, 1))
  tree:add_le(f.correlation, header(8, 8))
  tree:add_le(f.status, header(16, 2))
  tree:add_le(is_reply and f.retry_after or f.deadline, header(20, 4))
  tree:add_le(f.body_checksum, header(24, 4))
  tree:add_le(f.header_checksum, header(28, 4))
end

-- An integer as the digits of its big-endian bytes.
local function hexadecimal(range)
  local digits = {}
  for place = range:len() - 1, 0, -1 do digits[#digits + 1] = string.format("%02x", range(place, 1):uint()) end
  return table.concat(digits)
end

-- The trace context, if it can be used: with its length, and with a trace and a span that are not zero.
local function add_trace(tree, range)
  if range(2, 2):le_uint() ~= 28 then return false end
  local span, trace = hexadecimal(range(8, 8)), hexadecimal(range(16, 16))
  if not span:find("[^0]") or not trace:find("[^0]") then return false end
  local branch = tree:add(f.header_extension, range, "trace context")
  branch:add(f.trace, range(16, 16), trace)
  branch:add(f.span, range(8, 8), span)
  branch:add(f.trace_flags, range(4, 1))
  branch:add(f.sampled, range(4, 1))
  return true
end

-- What is in the header behind its 32 bytes. Of several trace contexts the first counts, and only in a request.
local function add_header_extensions(tree, range, is_reply)
  local offset, may_trace = 0, not is_reply
  while offset + 8 <= range:len() do
    local kind, length = range(offset, 2):le_uint(), range(offset + 2, 2):le_uint()
    local bytes = math.ceil((4 + length) / 8) * 8
    if offset + bytes > range:len() then return end
    local extension = range(offset, bytes)
    local is_trace = kind == 1 and may_trace and add_trace(tree, extension)
    if kind == 1 then may_trace = false end
    if not is_trace then tree:add(f.header_extension, extension, "kind " .. kind .. ": " .. length .. " bytes") end
    offset = offset + bytes
  end
end

-- Adds the body, and says in a few words what is in it. What does not fit its own lengths is shown as bytes.
local function add_body(tree, body, opcode, is_reply, status)
  local dissect
  if is_reply and status ~= 0 then dissect = problem else dissect = (is_reply and replies or requests)[opcode] end
  local is_sound, words = pcall(dissect or function() tree:add(f.body, body()) return "" end, tree, body)
  if is_sound then return words end
  tree:add_proto_expert_info(malformed)
  return "malformed"
end

local function add_frame(tvb, pinfo, tree)
  pinfo.cols.protocol = "Mana"
  if tvb:len() == preface:len() then
    tree:add(mana, tvb(), "Mana preface"):add(f.preface, tvb())
    pinfo.cols.info:append(" [preface]")
    return tvb:len()
  end
  local length, code, status = tvb:len(), tvb(6, 1):uint(), tvb(16, 2):le_uint()
  local is_reply, opcode = code >= 0x80, code % 0x80
  local name = opcodes[opcode] or string.format("opcode %02x", opcode)
  if code == 0x81 then name = "welcome" end
  local branch = tree:add(mana, tvb(0, length), "Mana " .. name)
  add_header(branch, tvb(0, HEADER), is_reply)
  local correlation = tostring(tvb(8, 8):le_uint64())
  local has_match = opcode ~= 0x01 and opcode ~= 0x02
  if has_match then match(branch, pinfo, correlation, is_reply) end
  -- A later version's header may be longer.
  local from = math.max(4, tvb(5, 1):uint()) * 8
  local words = ""
  if from <= length then
    if from > HEADER then add_header_extensions(branch, tvb(HEADER, from - HEADER), is_reply) end
    local body = tvb(from, length - from):tvb()
    words = add_body(branch, body, opcode, is_reply, status)
  end
  if status ~= 0 then
    branch:add_proto_expert_info(refused, "Refused: " .. (statuses[status] or status))
    words = (statuses[status] or status) .. ": " .. words
  end
  local line = name .. (has_match and " #" .. correlation or "") .. (has_match and is_reply and " reply" or "")
  if words ~= "" then line = line .. ", " .. words end
  branch:append_text(line:sub(#name + 1))
  pinfo.cols.info:append(" [" .. line .. "]")
  return tvb:len()
end

-- The length of what begins here: a preface, else a frame. A frame's length never looks like a preface's first bytes,
-- which as a number are more than the largest frame has.
local function frame_length(tvb, _, offset)
  if tvb(offset, 8):bytes() == preface then return preface:len() end
  local length = tvb(offset, 4):le_uint()
  -- After such a header no frame can be found.
  return (length < HEADER or length > FRAME_MAX) and HEADER or length
end

function mana.dissector(tvb, pinfo, tree)
  pinfo.cols.info:clear()
  dissect_tcp_pdus(tvb, tree, 8, frame_length, add_frame)
  return tvb:len()
end

mana:register_heuristic("tcp", function(tvb, pinfo, tree)
  if tvb:len() < preface:len() or tvb(0, 8):bytes() ~= preface then return false end
  mana.dissector(tvb, pinfo, tree)
  pinfo.conversation = mana
  return true
end)

DissectorTable.get("tcp.port"):add(7420, mana)
DissectorTable.get("tls.alpn"):add("mana/1", mana)
