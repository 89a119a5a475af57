/// The query language of fleet indexing. Source: AWS IoT Core Developer Guide, "Query syntax" (reference "registry", section 15).
///
/// `thingName:tv* AND (attributes.site:lab OR NOT connectivity.connected:true) shadow.reported.t:[10 TO 20}`; terms beside each other are
/// joined by AND. Field names are compared with regard to case, values without.
#pragma once

#include <compare>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/quotas.h"
#include "common/result.h"
#include "registry/errc.h"

namespace fogbank::registry {

/// One value of a document: `shadow.reported.temperature` is 21. An array gives its elements, each under the array's name.
struct IndexField {
    std::string name;
    std::string text;              ///< as text; booleans `true` and `false`
    std::optional<double> number;  ///< if it is one, or reads as one
};
using IndexDocument = std::vector<IndexField>;

/// One value of one field, as the keys have it that lead to things (detail/search_terms.h).
struct IndexTerm {
    std::string field, value;
    friend auto operator<=>(const IndexTerm&, const IndexTerm&) = default;
    /// The terms of a value: its text without regard to case and, if it reads as a number, that number.
    static std::vector<IndexTerm> of(const std::string& field, std::string_view text);
};

/// Where to look for what a query can match: under one term, or under all of a field that begin with it.
struct IndexLookup {
    IndexTerm term;
    bool prefix = false;
};

struct IndexQueryNode;  // private to index_query.cpp

/// A parsed query. Immutable, thread-safe, cheap to copy.
class IndexQuery {
  public:
    /// Errors: invalid_query, naming the position.
    static Result<IndexQuery> parse(std::string_view text, const Quotas& quotas);

    /// Linear in the document's size times the number of terms.
    bool matches(const IndexDocument& document) const;

    /// Whether some term asks for a field that begins with `prefix`, or for any field.
    bool asks_for(std::string_view prefix) const;

    /// A term that each document must have to match, of the fields thingName, thingTypeName and attributes; nothing: the query demands
    /// none in so many words.
    std::optional<IndexLookup> lookup() const;

    std::size_t terms() const { return fields_.size(); }

  private:
    std::shared_ptr<const IndexQueryNode> root_;
    std::vector<std::string> fields_;  ///< of all terms; empty text: any field
};

}  // namespace fogbank::registry
