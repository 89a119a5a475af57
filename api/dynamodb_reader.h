/// Reading DynamoDB's requests: members with the errors of its deserializer and of the checks against its service model, in its order.
///
/// A read never fails on the spot. What is wrong is collected in `Problems`, and what was read is a default. When all is read, `check`
/// gives the error that DynamoDB would give: a wrong JSON type before everything, then all violated constraints in one text, then the first
/// value that is unfit. Texts as recorded from the service by its re-implementations (dynalite, moto, alternator).
#pragma once

#include <any>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/service.h"
#include "store/table/json_dom.h"
#include "store/table/table_service.h"

namespace fogbank::api::dynamodb {

class Problems {
  public:
    void serialization(Error error);
    void constraint(std::string_view shown, std::string_view member, std::string_view text);
    void value(Error error);
    bool any() const { return serialization_ || !constraints_.empty() || value_; }
    /// @return the error, if there is any.
    Result<void> check() const;

  private:
    static constexpr std::size_t constraints_max = 10;  // DynamoDB names no more
    std::optional<Error> serialization_, value_;
    std::vector<std::string> constraints_;
};

/// One structure of the request. Cheap to copy; valid as long as document and problems.
class Reader {
  public:
    Reader(store::table::DomView object, std::string path, Problems& problems)
        : object_(object), path_(std::move(path)), problems_(&problems) {}

    /// The member if it is there and not null; of several with one name the last.
    std::optional<store::table::DomView> find(std::string_view name) const;
    bool has(std::string_view name) const { return find(name).has_value(); }

    std::optional<std::string> text(std::string_view name) const;
    std::string required_text(std::string_view name) const;
    std::optional<bool> boolean(std::string_view name) const;
    std::optional<std::int64_t> integer(std::string_view name) const;
    /// Seconds since 1970, fractions allowed.
    std::optional<WallTime> time(std::string_view name) const;
    std::int64_t required_integer(std::string_view name) const;
    std::optional<store::table::Item> item(std::string_view name) const;
    store::table::Item required_item(std::string_view name) const;
    std::optional<store::table::AttributeValue> attribute_value(std::string_view name) const;
    std::optional<Reader> structure(std::string_view name) const;
    std::optional<Reader> required_structure(std::string_view name) const;
    /// One of `allowed`, listed in that order in the text.
    std::optional<std::string> one_of(std::string_view name, std::initializer_list<std::string_view> allowed) const;
    std::optional<std::string> required_one_of(std::string_view name, std::initializer_list<std::string_view> allowed) const;
    /// @return false if the member is not there.
    bool each_structure(std::string_view name, const std::function<void(const Reader&, std::size_t)>& f) const;
    bool each_text(std::string_view name, const std::function<void(std::string)>& f) const;
    /// A map's entries. The path of `f`'s view is the caller's to make.
    bool each_entry(std::string_view name, const std::function<void(std::string_view, store::table::DomView)>& f) const;
    bool each_element(std::string_view name, const std::function<void(store::table::DomView, std::size_t)>& f) const;
    /// Number of elements of a list or map; nothing: not there.
    std::optional<std::size_t> size(std::string_view name) const;

    /// `tableName` for `TableName`, behind the path.
    std::string path_of(std::string_view name) const;
    void violated(std::string_view shown, std::string_view name, std::string_view text) const;
    void missing(std::string_view name) const;
    /// A constraint on a number that is there.
    void at_least(std::string_view name, const std::optional<std::int64_t>& value, std::int64_t least) const;
    void at_most(std::string_view name, const std::optional<std::int64_t>& value, std::int64_t most) const;
    Problems& problems() const { return *problems_; }
    const std::string& path() const { return path_; }
    const store::table::DomView& view() const { return object_; }

  private:
    template <class T, class Convert>
    std::optional<T> convert(std::string_view name, store::table::JsonKind kind, std::string_view wanted, Convert convert) const;

    store::table::DomView object_;
    std::string path_;  ///< empty, or ends with a dot
    Problems* problems_;
};

/// Parses the body and calls `read` with its root; `read` runs to its end before another body is parsed on this thread.
/// Errors: serialization, and what `read` returns.
Result<void> with_body(std::string_view body, const std::function<Result<void>(const Reader&)>& read);

/// A request by one of the readers, with all its problems found.
template <class T>
Result<T> read_body(std::string_view body, T (*read)(const Reader&)) {
    std::optional<T> out;
    auto done = with_body(body, [&](const Reader& root) -> Result<void> {
        out = read(root);
        return root.problems().check();
    });
    if (!done) return done.error();
    return std::move(*out);
}

/// The same for a call, of which the access resolver may have kept the request.
template <class T>
Result<T> read_body(const Call& call, T (*read)(const Reader&)) {
    if (T* kept = std::any_cast<T>(&call.kept)) return std::move(*kept);
    return read_body(call.request.body, read);
}

}  // namespace fogbank::api::dynamodb
