#include <chrono>

#include "shadow/detail/work.h"
#include "shadow/errc.h"

namespace fogbank::shadow::detail {
namespace {

constexpr std::int64_t tombstone_kept_s = std::chrono::seconds(deleted_version_kept).count();
constexpr std::string_view package_shadow = "$package";

/// The reserved shadow of the software package catalog holds `reported.<package>.{version, attributes}`. Source: "Preparing to use Software
/// Package Catalog"; AWS does not document the text.
Result<void> check_package_shadow(const Value& state) {
    const Value* reported = state.is_object() ? state.find("reported") : nullptr;
    if (reported == nullptr) return {};
    for (const Member& package : reported->members) {
        for (const Member& member : package.value.members) {
            if (member.name != "version" && member.name != "attributes") {
                return Error(Errc::invalid_request, "State contains an invalid node: '" + member.name + "'");
            }
        }
    }
    return {};
}

}  // namespace

Outcome Work::apply(Request& request) {
    switch (request.operation) {
        case Operation::get:
            return get(request);
        case Operation::update:
            return update(request);
        case Operation::remove:
            return remove(request);
    }
    return {missing(request), {}, {}};
}

Error Work::missing(const Request& request) const {
    return Error(Errc::not_found, "No shadow exists with name: '" + quoted_name(request.name) + "'");
}

Outcome Work::get(const Request& request) const {
    if (!record_.document) return {missing(request), {}, {}};
    return {get_json(*record_.document, now_s_, request.token), {}, {}};
}

bool Work::tombstone_counts() const {
    return record_.tombstone.version > 0 && now_s_ - record_.tombstone.deleted_at_s < tombstone_kept_s;
}

Outcome Work::update(Request& request) {
    const auto& wanted = request.update.version;
    if (wanted && (!record_.document || *wanted != record_.document->version)) {
        return {Error(Errc::version_conflict, "Version conflict"), {}, {}};
    }
    if (request.name.shadow == package_shadow) {
        if (auto valid = check_package_shadow(request.update.state); !valid) return {valid.error(), {}, {}};
    }
    stamp(request.update.state, now_s_);
    Document fresh;
    if (!record_.document && tombstone_counts()) fresh.version = record_.tombstone.version;
    std::optional<std::string> previous = std::move(text_);
    text_.reset();
    if (request.wanted.documents && record_.document && !previous) previous = document_json(*record_.document);
    const bool in_place = fits(request.update.state);
    auto next = in_place ? apply_update(std::move(*record_.document), request.update, std::nullopt)
                         : apply_update(record_.document ? *record_.document : fresh, request.update, limits_.document_bytes_max);
    if (!next) return {next.error(), {}, {}};
    if (!in_place) bytes_at_most_.reset();

    Outcome out{std::string(), {}, {}};
    if (request.wanted.accepted || !request.over_mqtt())
        out.answer = accepted_json(request.update.state, next->version, now_s_, request.token);
    if (request.wanted.delta) out.delta = delta_json(*next, now_s_, request.token);
    if (request.wanted.documents) {
        text_ = document_json(*next);
        out.documents = documents_json(previous, *text_, now_s_, request.token);
    }
    record_.document = std::move(*next);
    changed_ = true;
    return out;
}

/// Whether the document is small enough for any outcome of the merge: then it is merged in place.
/// A bound that grows with each update spares measuring the whole document each time.
bool Work::fits(const Value& state) {
    constexpr std::size_t punctuation = 16;
    if (!record_.document) return false;
    const std::size_t added = json_bytes(state) + punctuation;
    if (!bytes_at_most_ || *bytes_at_most_ + added > limits_.document_bytes_max) bytes_at_most_ = document_bytes(*record_.document);
    if (*bytes_at_most_ + added > limits_.document_bytes_max) return false;
    *bytes_at_most_ += added;
    return true;
}

Outcome Work::remove(const Request& request) {
    if (!record_.document) return {missing(request), {}, {}};
    record_.tombstone = Tombstone{record_.document->version, now_s_};
    record_.document.reset();
    bytes_at_most_.reset();
    text_.reset();
    changed_ = true;
    return {deleted_json(record_.tombstone.version, now_s_, request.token), {}, {}};
}

std::string Work::encoded() const {
    return record_.document ? encode_document(*record_.document) : encode_tombstone(record_.tombstone);
}

Stored Work::unchanged() && {
    return {std::move(base_bytes_), std::move(record_)};
}

Work::Write Work::write(const ShadowName& name) && {
    Write out;
    std::string key = record_key(name);
    store::kv::Precondition condition;
    condition.key = key;
    condition.kind = base_bytes_ ? store::kv::Precondition::Kind::equals : store::kv::Precondition::Kind::absent;
    condition.value = std::move(base_bytes_).value_or("");
    if (condition.kind == store::kv::Precondition::Kind::equals && !had_document_)
        out.batch.erase(deleted_key(base_tombstone_.deleted_at_s, name));
    out.batch.preconditions.push_back(std::move(condition));
    if (!record_.document) out.batch.put(deleted_key(record_.tombstone.deleted_at_s, name), "");
    out.result.bytes = encoded();
    out.batch.put(std::move(key), *out.result.bytes);
    out.result.record = std::move(record_);
    if (out.result.record.document) out.result.record.tombstone = Tombstone();
    return out;
}

}  // namespace fogbank::shadow::detail
