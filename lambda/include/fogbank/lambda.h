/// Writing Fogbank functions in C++: include this header, define a handler, export it, build a shared object.
///
///     #include <fogbank/lambda.h>
///     using namespace fogbank::lambda;
///     static Json handle(const std::string& event, Context& context) {
///         JsonView sample(event);                                     // fogbank/json.h
///         context.put_item("Samples", JsonObject().set("date_time", context.now_iso8601()).set("pressure", sample.at("pressure")).str());
///         return "{\"ok\":true}";
///     }
///     FOGBANK_LAMBDA_HANDLER(handle);
///
///     c++ -std=c++17 -O2 -shared -fPIC -fvisibility=hidden -I<include> handler.cpp -o handler.so
///
/// A handler in plain C is a function of type `fogbank_lambda_handler`, exported with FOGBANK_LAMBDA_ENTRY(handle);
///
/// Contract. The host loads the object, looks up `fogbank_lambda_entry` and compares its ABI version; an object of another version is
/// refused with a reason. Everything that crosses the border is C: plain structs, pointers with lengths, no exceptions, no ownership
/// transfer except as stated, so handler and host may come from different compilers. The C++ part below is inline, compiled into the
/// handler.
///
/// Threads: a handler is called on one of the host's function threads, several at the same time, so what it keeps between calls takes a
/// lock; it may block. It may throw anything, derived from std::exception or not: the C++ wrapper turns that into a function error. It must
/// not use the context after it returned. When its time is up the caller has been told so and the host's calls fail; the handler should
/// then return. This header is a public contract: it changes only with FOGBANK_LAMBDA_ABI_VERSION.
#ifndef FOGBANK_LAMBDA_H
#define FOGBANK_LAMBDA_H

#include <stddef.h>
#include <stdint.h>

#define FOGBANK_LAMBDA_ABI_VERSION 1u

#ifdef __cplusplus
extern "C" {
#endif

// NOLINTBEGIN(modernize-use-using): this part is C.

/// Bytes with a length; not NUL-terminated. Whoever made them keeps them alive for the call they are passed to.
typedef struct fogbank_bytes {
    const char* data;
    size_t size;
} fogbank_bytes;

/// Where a callee puts bytes that must outlive its return: it calls `set` any number of times, the last call counts; the bytes are copied.
typedef struct fogbank_sink {
    void* owner;
    void (*set)(void* owner, fogbank_bytes bytes);
} fogbank_sink;

/// What the host offers a handler. Valid until the handler returns. All functions may be called from the handler's thread only.
typedef struct fogbank_host {
    uint32_t abi_version;
    uint32_t struct_size; /* of this struct, so that members can be added at the end */
    void* state;
    fogbank_bytes request_id;
    fogbank_bytes function_name;
    fogbank_bytes function_arn;
    int64_t deadline_ms; /* since the Unix epoch */
    /* One line into the function's log. */
    void (*log)(void* state, fogbank_bytes line);
    /* The value of an environment variable of the function, or {NULL, 0}. Valid until the handler returns. */
    fogbank_bytes (*environment)(void* state, fogbank_bytes name);
    /* Puts one item, plain JSON object text, into a table; returns 0 when it is committed. Otherwise the error's text goes to `error`
       (`ValidationException: …`). */
    int (*put_item)(void* state, fogbank_bytes table, fogbank_bytes item_json, fogbank_sink error);
    /* Reads one item by its key (plain JSON object); the item's JSON, or nothing, goes to `item`. */
    int (*get_item)(void* state, fogbank_bytes table, fogbank_bytes key_json, fogbank_sink item, fogbank_sink error);
    /* Publishes a message at QoS 0 or 1; returns 0 when it is accepted (QoS 1: durable where somebody stores it). */
    int (*publish)(void* state, fogbank_bytes topic, fogbank_bytes payload, int qos, fogbank_sink error);
    /* The host's clock: milliseconds since the Unix epoch. Tests decide what time it is. */
    int64_t (*now_ms)(void* state);

    /* Added later: there if `struct_size` says so. */

    /* Deletes one item by its key (plain JSON object); returns 0 when that is committed, also if there was none. */
    int (*delete_item)(void* state, fogbank_bytes table, fogbank_bytes key_json, fogbank_sink error);
    /* Reads a thing's shadow; an empty shadow name is the classic one. The document goes to `document`. */
    int (*get_shadow)(void* state, fogbank_bytes thing, fogbank_bytes shadow, fogbank_sink document, fogbank_sink error);
    /* Updates it with a request document (`{"state":{"desired":…}}`); what was accepted goes to `accepted`. */
    int (*update_shadow)(void* state, fogbank_bytes thing, fogbank_bytes shadow, fogbank_bytes document, fogbank_sink accepted,
                         fogbank_sink error);
} fogbank_host;

/// The handler: event in, result out. Returns 0 on success with JSON in `result`, otherwise an error object
/// `{"errorType":…,"errorMessage":…}` in `result`.
typedef int (*fogbank_lambda_handler)(const fogbank_host* host, fogbank_bytes event, fogbank_sink result);

/// What the object exports under the name `fogbank_lambda_entry`.
typedef struct fogbank_lambda_entry_t {
    uint32_t abi_version;
    uint32_t struct_size;
    fogbank_lambda_handler handler;
} fogbank_lambda_entry_t;

/* Declared here so that the definition has C linkage and is visible whatever -fvisibility says. */
extern __attribute__((visibility("default"))) const fogbank_lambda_entry_t fogbank_lambda_entry;
// NOLINTEND(modernize-use-using)

#ifdef __cplusplus
} /* extern "C" */
#endif

/// Exports `function`, of type `fogbank_lambda_handler`, as this object's handler. C and C++; once per shared object; a semicolon follows.
#define FOGBANK_LAMBDA_ENTRY(function) \
    const fogbank_lambda_entry_t fogbank_lambda_entry = {FOGBANK_LAMBDA_ABI_VERSION, sizeof(fogbank_lambda_entry_t), function}

#ifdef __cplusplus

#include <cxxabi.h>
#include <fogbank/json.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <typeinfo>

namespace fogbank::lambda {
inline namespace v1 {

/// JSON text.
using Json = std::string;

/// ISO 8601, UTC, with milliseconds: `2026-01-02T03:04:05.678Z`. For any time from year 0 to 9999.
inline std::string iso8601(std::int64_t ms_since_epoch) {
    std::int64_t days = ms_since_epoch / 86400000;
    std::int64_t ms = ms_since_epoch % 86400000;
    if (ms < 0) {
        ms += 86400000;
        --days;
    }
    // (No digit separators in this file: a C compiler reads past them, too.)
    // Civil date of a day number: years counted from March, so that the leap day is the last of its year; 146097 days are 400 years.
    const std::int64_t shifted = days + 719468;
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    const std::int64_t day_of_era = shifted - era * 146097;
    const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t march_month = (5 * day_of_year + 2) / 153;
    const std::int64_t day = day_of_year - (153 * march_month + 2) / 5 + 1;
    const std::int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);

    std::string out = "0000-00-00T00:00:00.000Z";
    const auto put = [&out](std::size_t at, std::size_t width, std::int64_t value) {
        for (std::size_t i = width; i > 0; --i, value /= 10) out[at + i - 1] = static_cast<char>('0' + value % 10);
    };
    put(0, 4, year);
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, ms / 3600000);
    put(14, 2, ms / 60000 % 60);
    put(17, 2, ms / 1000 % 60);
    put(20, 3, ms % 1000);
    return out;
}

/// Thrown by the Context's calls when the host refuses: `what()` is the AWS exception with its message.
class HostError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

namespace detail {
inline std::string_view view(fogbank_bytes value) {
    return value.data == nullptr ? std::string_view() : std::string_view(value.data, value.size);
}
inline fogbank_bytes bytes(std::string_view text) {
    return fogbank_bytes{text.data(), text.size()};
}
inline fogbank_sink sink(std::string& target) {
    return fogbank_sink{&target, [](void* owner, fogbank_bytes value) { static_cast<std::string*>(owner)->assign(view(value)); }};
}
/// The function error's JSON: reference "lambda", section 1.1.
inline std::string error_object(std::string_view type, std::string_view message) {
    return JsonObject().set("errorType", type).set("errorMessage", message).str();
}
/// The exception's class as its author wrote it.
inline std::string type_name(const std::exception& e) {
#if defined(__cpp_rtti)
    int status = 0;
    char* name = abi::__cxa_demangle(typeid(e).name(), nullptr, nullptr, &status);
    if (name == nullptr) return "std::exception";
    std::string out = name;
    std::free(name);
    return out;
#else
    static_cast<void>(e);
    return "std::exception";
#endif
}
}  // namespace detail

/// One invocation's surroundings.
class Context {
  public:
    explicit Context(const fogbank_host& host) : host_(host) {}
    std::string_view request_id() const { return detail::view(host_.request_id); }
    std::string_view function_name() const { return detail::view(host_.function_name); }
    std::string_view function_arn() const { return detail::view(host_.function_arn); }
    std::int64_t deadline_ms() const { return host_.deadline_ms; }     ///< since the Unix epoch
    std::int64_t now_ms() const { return host_.now_ms(host_.state); }  ///< since the Unix epoch, the host's clock
    std::int64_t remaining_ms() const { return deadline_ms() - now_ms(); }
    std::string now_iso8601() const { return iso8601(now_ms()); }
    void log(std::string_view line) { host_.log(host_.state, detail::bytes(line)); }
    /// Empty if the variable is not set.
    std::string_view environment(std::string_view name) const { return detail::view(host_.environment(host_.state, detail::bytes(name))); }

    /// Puts a plain JSON object as an item; returns when it is committed. Throws HostError.
    void put_item(std::string_view table, std::string_view item_json) {
        std::string error;
        if (host_.put_item(host_.state, detail::bytes(table), detail::bytes(item_json), detail::sink(error)) != 0) throw HostError(error);
    }
    /// The item with this key as plain JSON, empty if there is none. Throws HostError.
    Json get_item(std::string_view table, std::string_view key_json) {
        std::string item;
        std::string error;
        if (host_.get_item(host_.state, detail::bytes(table), detail::bytes(key_json), detail::sink(item), detail::sink(error)) != 0)
            throw HostError(error);
        return item;
    }
    /// Throws HostError.
    void publish(std::string_view topic, std::string_view payload, int qos = 0) {
        std::string error;
        if (host_.publish(host_.state, detail::bytes(topic), detail::bytes(payload), qos, detail::sink(error)) != 0) throw HostError(error);
    }
    /// Deletes the item with this key; returns when that is committed. Throws HostError.
    void delete_item(std::string_view table, std::string_view key_json) {
        require(offsetof(fogbank_host, delete_item), "delete_item");
        std::string error;
        if (host_.delete_item(host_.state, detail::bytes(table), detail::bytes(key_json), detail::sink(error)) != 0) throw HostError(error);
    }
    /// The shadow's document as GetThingShadow answers it; `shadow` empty: the classic one. Throws HostError.
    Json get_shadow(std::string_view thing, std::string_view shadow = {}) {
        require(offsetof(fogbank_host, get_shadow), "get_shadow");
        std::string document;
        std::string error;
        if (host_.get_shadow(host_.state, detail::bytes(thing), detail::bytes(shadow), detail::sink(document), detail::sink(error)) != 0)
            throw HostError(error);
        return document;
    }
    /// As UpdateThingShadow, with everything that follows from it; answers the accepted document. Throws HostError.
    Json update_shadow(std::string_view thing, std::string_view document, std::string_view shadow = {}) {
        require(offsetof(fogbank_host, update_shadow), "update_shadow");
        std::string accepted;
        std::string error;
        if (host_.update_shadow(host_.state, detail::bytes(thing), detail::bytes(shadow), detail::bytes(document), detail::sink(accepted),
                                detail::sink(error)) != 0)
            throw HostError(error);
        return accepted;
    }

  private:
    /// What was added to the host after ABI 1 came out is missing in older servers.
    void require(std::size_t offset, const char* what) const {
        if (host_.struct_size < offset + sizeof(void (*)())) throw HostError(std::string("this server has no ") + what);
    }
    const fogbank_host& host_;
};

namespace detail {
template <class Handler>
int run(Handler handler, const fogbank_host* host, fogbank_bytes event, fogbank_sink result) noexcept {
    std::string out;
    int status = 0;
    try {
        Context context(*host);
        out = handler(std::string(view(event)), context);
        if (out.empty()) out = "null";
    } catch (const HostError& e) {
        status = 1;
        out = error_object("HostError", e.what());
    } catch (const JsonError& e) {
        status = 1;
        out = error_object("JsonError", e.what());
    } catch (const std::exception& e) {
        status = 1;
        out = error_object(type_name(e), e.what());
    } catch (...) {
        status = 1;
        out = error_object("Unknown", "the handler threw something that is not a std::exception");
    }
    result.set(result.owner, bytes(out));
    return status;
}
}  // namespace detail

}  // namespace v1
}  // namespace fogbank::lambda

/// Exports `function`, of type `Json (const std::string& event, Context& context)`, as this object's handler. Once per shared object; a
/// semicolon follows.
#define FOGBANK_LAMBDA_HANDLER(function)                                                                \
    static int fogbank_lambda_run(const fogbank_host* host, fogbank_bytes event, fogbank_sink result) { \
        return ::fogbank::lambda::detail::run(function, host, event, result);                           \
    }                                                                                                   \
    FOGBANK_LAMBDA_ENTRY(&fogbank_lambda_run)

#endif /* __cplusplus */
#endif /* FOGBANK_LAMBDA_H */
