// Running a query over the fleet, chunk by chunk.

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/encoding.h"
#include "registry/detail/fleet_index_part.h"
#include "registry/detail/keys.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

namespace asio = boost::asio;

constexpr std::int64_t chunk = 250;
/// How many things one call looks at; the rest follows with the token.
constexpr std::size_t examined_max = 250'000;
constexpr std::int64_t page_items_max = 500;  // AWS IoT Device Management quotas, fleet indexing

/// Lets the shard do something else: reads may complete without a suspension.
asio::awaitable<void> breathe() {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

}  // namespace

Awaitable<FleetIndexPart::Ready> FleetIndexPart::prepare(IndexRequest request) {
    auto configuration = co_await read_indexing(core_);
    if (!configuration) co_return configuration.error();
    Ready out;
    out.groups = request.index == "AWS_ThingGroups";
    const bool on = out.groups ? configuration->groups() : request.index == "AWS_Things" && configuration->things();
    if (!on) co_return not_found("Index", is_valid_utf8(request.index) ? request.index.substr(0, 128) : "(not UTF-8)");
    auto query = IndexQuery::parse(request.query, core_.deps().quotas);
    if (!query) co_return query.error();
    out.query = std::move(*query);
    out.configuration = std::move(*configuration);
    co_return out;
}

Awaitable<IndexedThing> FleetIndexPart::load_thing(Thing thing, IndexNeeds needs, IndexingConfiguration configuration) {
    IndexedThing out;
    out.thing = std::move(thing);
    const ThingName name = out.thing.name;
    if (needs.groups) {
        const Range range = keys::thing_memberships(name);
        const auto groups = co_await core_.scan_all(range);
        if (!groups) co_return groups.error();
        for (const KeyValue& item : *groups) out.groups.push_back(keys::last_part(item.key, range));
    }
    if (Shadows* shadows = shadows_; needs.shadows && shadows != nullptr) {
        std::vector<std::string> names;
        if (configuration.shadows()) names.emplace_back();
        if (configuration.named()) names.insert(names.end(), configuration.named_shadows.begin(), configuration.named_shadows.end());
        for (const std::string& shadow : names) {
            auto document = co_await shadows->get_shadow(name, shadow);
            if (document) out.shadows.emplace_back(shadow, std::move(*document));  // most things have none
        }
    }
    if (needs.connectivity) {
        auto stored = co_await core_.read(keys::indexed("connectivity", name, ""));
        if (!stored) co_return stored.error();
        if (*stored) out.connectivity = std::move(**stored);
    }
    co_return out;
}

/// Where a query's things are looked for: under a term, or in the whole fleet.
FleetIndexPart::Source FleetIndexPart::source_of(const IndexQuery& query) {
    Source out;
    out.lookup = query.lookup();
    if (!out.lookup) {
        out.range = keys::things();
        return out;
    }
    const IndexTerm& term = out.lookup->term;
    out.range = out.lookup->prefix ? keys::with_prefix(keys::search_terms(term.field), term.value)
                                   : keys::search_term_things(term.field, term.value);
    return out;
}

/// The things that a page of keys is or leads to. What was deleted since is left out.
Awaitable<std::vector<FleetIndexPart::Candidate>> FleetIndexPart::candidates(std::vector<KeyValue> items, Source source) {
    std::vector<Candidate> out;
    if (!source.lookup) {
        for (KeyValue& item : items) {
            auto thing = decode_thing(ThingName(keys::last_part(item.key, source.range)), item.value, core_.deps().arns);
            if (!thing) co_return thing.error();
            out.push_back({std::move(item.key), std::move(*thing)});
        }
        co_return out;
    }
    std::vector<ThingName> names;
    for (const KeyValue& item : items) names.push_back(keys::search_term_thing(item.key, source.lookup->term.field));
    const std::vector<ThingName> wanted = names;
    auto things = co_await core_.read_things(std::move(names));
    if (!things) co_return things.error();
    std::size_t next = 0;  // they come in the order of their keys
    for (std::size_t i = 0; i < items.size() && next < things->size(); ++i) {
        if ((*things)[next].name == wanted[i]) out.push_back({std::move(items[i].key), std::move((*things)[next++])});
    }
    co_return out;
}

Awaitable<FleetIndexPart::Matches> FleetIndexPart::match_things(const Ready& ready, IndexNeeds needs, std::optional<std::string> marker,
                                                                std::size_t items_max) {
    Matches out;
    PageRequest page;
    page.marker = std::move(marker);
    page.items_max = chunk;
    const Source source = source_of(ready.query);
    std::string last;
    for (std::size_t examined = 0; examined < examined_max; examined += chunk) {
        auto found = co_await core_.scan_page(source.range, page);
        if (!found) co_return found.error();
        auto candidates_here = co_await candidates(std::move(found->items), source);
        if (!candidates_here) co_return candidates_here.error();
        for (Candidate& candidate : *candidates_here) {
            auto loaded = co_await load_thing(std::move(candidate.thing), needs, ready.configuration);
            if (!loaded) co_return loaded.error();
            IndexDocument document = document_of(*loaded);
            if (!ready.query.matches(document)) continue;
            if (out.things.size() == items_max) {  // one more than fits
                out.next = base64_encode(std::string_view(last).substr(source.range.begin.size()));
                co_return out;
            }
            out.things.push_back(std::move(*loaded));
            out.documents.push_back(std::move(document));
            last = std::move(candidate.key);
        }
        page.marker = std::move(found->next);
        if (!page.marker) break;
        co_await breathe();
    }
    out.next = std::move(page.marker);
    co_return out;
}

Awaitable<FleetIndexPart::Matches> FleetIndexPart::match_groups(const Ready& ready, std::optional<std::string> marker,
                                                                std::size_t items_max) {
    Matches out;
    PageRequest page;
    page.marker = std::move(marker);
    page.items_max = chunk;
    const Range range = keys::thing_groups();
    std::string last;
    for (std::size_t examined = 0; examined < examined_max; examined += chunk) {
        auto found = co_await core_.scan_page(range, page);
        if (!found) co_return found.error();
        for (const KeyValue& item : found->items) {
            const auto group = decode_thing_group(keys::last_part(item.key, range), item.value, core_.deps().arns);
            if (!group) co_return group.error();
            IndexDocument document = document_of(*group);
            if (!ready.query.matches(document)) continue;
            if (out.answers.size() == items_max) {
                out.next = base64_encode(std::string_view(last).substr(range.begin.size()));
                co_return out;
            }
            out.answers.push_back(answer_of(*group));
            out.documents.push_back(std::move(document));
            last = item.key;
        }
        page.marker = std::move(found->next);
        if (!page.marker) break;
        co_await breathe();
    }
    out.next = std::move(page.marker);
    co_return out;
}

Awaitable<SearchPage> FleetIndexPart::search(IndexRequest request) {
    if (request.items_max < 1 || request.items_max > page_items_max)
        co_return Error(Errc::invalid_request, "maxResults must be between 1 and " + std::to_string(page_items_max));
    const auto ready = co_await prepare(request);
    if (!ready) co_return ready.error();
    const auto items_max = static_cast<std::size_t>(request.items_max);
    SearchPage out;
    out.groups = ready->groups;
    if (ready->groups) {
        auto found = co_await match_groups(*ready, std::move(request.marker), items_max);
        if (!found) co_return found.error();
        out.documents = std::move(found->answers);
        out.next = std::move(found->next);
        co_return out;
    }
    const IndexNeeds needs = IndexNeeds::of(ready->query, "", ready->configuration);
    auto found = co_await match_things(*ready, needs, std::move(request.marker), items_max);
    if (!found) co_return found.error();
    out.next = std::move(found->next);
    IndexNeeds everything;
    everything.groups = everything.shadows = true;
    everything.connectivity = ready->configuration.connectivity();
    for (IndexedThing& one : found->things) {
        const auto whole = co_await load_thing(std::move(one.thing), everything, ready->configuration);
        if (!whole) co_return whole.error();
        out.documents.push_back(answer_of(*whole));
    }
    co_return out;
}

Awaitable<std::optional<std::string>> FleetIndexPart::connectivity_of(std::string thing) {
    const ThingName name(std::move(thing));
    if (auto valid = Validation().thing_name(name).result(); !valid) co_return valid.error();
    const auto stored = co_await core_.read(keys::thing(name));
    if (!stored) co_return stored.error();
    if (!*stored) co_return not_found("Thing", name.view());
    co_return co_await core_.read(keys::indexed("connectivity", name, ""));
}

}  // namespace fogbank::registry
