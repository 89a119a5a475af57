#include "shadow/document.h"

#include "shadow/errc.h"
#include "shadow/merge.h"

namespace fogbank::shadow {
namespace {

void merge_section(Value& section, const Value* update) {
    if (update == nullptr) return;
    if (update->is_null()) {
        section = Value::object();
    } else {
        merge(section, *update);
    }
}

/// `{"desired":…,"reported":…}` of the sections that exist, each written by `append`, and whatever `more` adds.
template <class Append>
void append_sections(std::string& out, const Document& document, const Value* difference, const Append& append) {
    const std::pair<const char*, const Value*> sections[]{
        {"{\"desired\":", &document.desired}, {"{\"reported\":", &document.reported}, {"{\"delta\":", difference}};
    bool first = true;
    for (const auto& [opening, section] : sections) {
        if (section == nullptr || section->members.empty()) continue;
        out += first ? opening : "," + std::string(opening + 1);
        first = false;
        append(out, *section);
    }
    out += first ? "{}" : "}";
}

void append_state_and_metadata(std::string& out, const Document& document, const Value* difference) {
    out += "{\"state\":";
    append_sections(out, document, difference, append_json);
    out += ",\"metadata\":";
    append_sections(out, document, nullptr, append_metadata_json);
}

void append_version(std::string& out, std::int64_t version) {
    out += ",\"version\":";
    out += std::to_string(version);
}

/// The last members of every answer, and its closing brace.
void append_end(std::string& out, std::int64_t now_s, const ClientToken& token) {
    out += ",\"timestamp\":";
    out += std::to_string(now_s);
    if (token) {
        out += ",\"clientToken\":";
        append_json_string(out, *token);
    }
    out.push_back('}');
}

std::size_t section_bytes(const Value& section) {
    return section.members.empty() ? 0 : json_bytes(section);
}

}  // namespace

std::size_t document_bytes(const Document& document) {
    return section_bytes(document.desired) + section_bytes(document.reported);
}

Result<Document> apply_update(Document current, const Update& update, std::optional<std::size_t> document_bytes_max) {
    Document next;
    next.version = current.version + 1;
    if (update.state.is_null()) return next;
    next.desired = std::move(current.desired);
    next.reported = std::move(current.reported);
    merge_section(next.desired, update.state.find("desired"));
    merge_section(next.reported, update.state.find("reported"));
    if (document_bytes_max && document_bytes(next) > *document_bytes_max) {
        return Error(Errc::document_too_large, "The payload exceeds the maximum size allowed");
    }
    return next;
}

std::string accepted_json(const Value& state, std::int64_t version, std::int64_t now_s, const ClientToken& token) {
    std::string out = "{\"state\":";
    append_json(out, state);
    out += ",\"metadata\":";
    append_metadata_json(out, state);
    append_version(out, version);
    append_end(out, now_s, token);
    return out;
}

std::string get_json(const Document& document, std::int64_t now_s, const ClientToken& token) {
    const Value difference = delta(document.desired, document.reported);
    std::string out;
    append_state_and_metadata(out, document, &difference);
    append_version(out, document.version);
    append_end(out, now_s, token);
    return out;
}

std::optional<std::string> delta_json(const Document& document, std::int64_t now_s, const ClientToken& token) {
    const Value difference = delta(document.desired, document.reported);
    if (difference.members.empty()) return std::nullopt;
    std::string out = "{\"version\":" + std::to_string(document.version) + ",\"timestamp\":" + std::to_string(now_s) + ",\"state\":";
    append_json(out, difference);
    out += ",\"metadata\":";
    append_metadata_json(out, difference);
    if (token) {
        out += ",\"clientToken\":";
        append_json_string(out, *token);
    }
    out.push_back('}');
    return out;
}

std::string document_json(const Document& document) {
    std::string out;
    append_state_and_metadata(out, document, nullptr);
    append_version(out, document.version);
    out.push_back('}');
    return out;
}

std::string documents_json(const std::optional<std::string>& previous, const std::string& current, std::int64_t now_s,
                           const ClientToken& token) {
    std::string out = "{";
    if (previous) out += "\"previous\":" + *previous + ",";
    out += "\"current\":" + current;
    append_end(out, now_s, token);
    return out;
}

std::string deleted_json(std::int64_t version, std::int64_t now_s, const ClientToken& token) {
    std::string out = "{\"version\":" + std::to_string(version);
    append_end(out, now_s, token);
    return out;
}

}  // namespace fogbank::shadow
