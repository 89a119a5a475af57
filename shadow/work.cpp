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
    auto next = apply_update(record_.document ? *record_.document : fresh, request.update, limits_.document_bytes_max);
    if (!next) return {next.error(), {}, {}};

    std::optional<std::string> previous = std::move(text_);
    if (record_.document && !previous) previous = document_json(*record_.document);
    text_ = document_json(*next);
    Outcome out{accepted_json(request.update.state, next->version, now_s_, request.token), delta_json(*next, now_s_, request.token),
                documents_json(previous, *text_, now_s_, request.token)};
    record_.document = std::move(*next);
    changed_ = true;
    return out;
}

Outcome Work::remove(const Request& request) {
    if (!record_.document) return {missing(request), {}, {}};
    record_.tombstone = Tombstone{record_.document->version, now_s_};
    record_.document.reset();
    text_.reset();
    changed_ = true;
    return {deleted_json(record_.tombstone.version, now_s_, request.token), {}, {}};
}

std::string Work::encoded() const {
    return record_.document ? encode_document(*record_.document) : encode_tombstone(record_.tombstone);
}

store::kv::Batch Work::batch(const ShadowName& name) const {
    store::kv::Batch out;
    std::string key = record_key(name);
    store::kv::Precondition condition;
    condition.key = key;
    condition.kind = base_.bytes ? store::kv::Precondition::Kind::equals : store::kv::Precondition::Kind::absent;
    condition.value = base_.bytes.value_or("");
    out.preconditions.push_back(std::move(condition));
    if (base_.bytes && !base_.record.document) out.erase(deleted_key(base_.record.tombstone.deleted_at_s, name));
    if (!record_.document) out.put(deleted_key(record_.tombstone.deleted_at_s, name), "");
    out.put(std::move(key), encoded());
    return out;
}

Stored Work::result() && {
    Stored out;
    out.bytes = encoded();
    out.record = std::move(record_);
    if (out.record.document) out.record.tombstone = Tombstone();
    return out;
}

}  // namespace fogbank::shadow::detail
