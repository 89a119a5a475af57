/// Writing Fogbank functions in C++: include this header, define a handler, export it, build a shared object.
///
///     #include <fogbank/lambda.h>
///     static fogbank::lambda::Json handle(const std::string& event, fogbank::lambda::Context& context) { … return "{\"ok\":true}"; }
///     FOGBANK_LAMBDA_HANDLER(handle)
///
///     c++ -std=c++17 -shared -fPIC -I<include> handler.cpp -o handler.so
///
/// Contract. The host loads the object, looks up `fogbank_lambda_entry` and compares its ABI version; an object of another version is refused with a
/// reason. Everything that crosses the border is C: plain structs, pointers with lengths, no exceptions, no ownership transfer except as stated, so
/// handler and host may come from different compilers. The C++ part below is inline, compiled into the handler.
///
/// Threads: a handler is called on one of the host's function threads, several at the same time unless the function's concurrency is 1; it may block.
/// It may throw anything derived from std::exception or not: the C++ wrapper turns that into a function error. It must not call the context after it
/// returned. This header is a public contract: it changes only with FOGBANK_LAMBDA_ABI_VERSION.
#ifndef FOGBANK_LAMBDA_H
#define FOGBANK_LAMBDA_H

#include <stddef.h>
#include <stdint.h>

#define FOGBANK_LAMBDA_ABI_VERSION 1u

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
} /* extern "C" */

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fogbank::lambda {

/// JSON text.
using Json = std::string;

/// Thrown by the Context's calls when the host refuses: `what()` is the AWS exception with its message.
class HostError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

namespace detail {
inline std::string_view view(fogbank_bytes bytes) { return bytes.data == nullptr ? std::string_view() : std::string_view(bytes.data, bytes.size); }
inline fogbank_bytes bytes(std::string_view text) { return fogbank_bytes{text.data(), text.size()}; }
inline fogbank_sink sink(std::string& target) {
    return fogbank_sink{&target, [](void* owner, fogbank_bytes value) { static_cast<std::string*>(owner)->assign(value.data, value.size); }};
}
inline void append_escaped(std::string& out, std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (byte < 0x20) {
            out += "\\u00";
            out.push_back(digits[byte >> 4]);
            out.push_back(digits[byte & 15]);
        } else {
            out.push_back(c);
        }
    }
}
inline std::string error_object(std::string_view type, std::string_view message) {
    std::string out = "{\"errorType\":\"";
    append_escaped(out, type);
    out += "\",\"errorMessage\":\"";
    append_escaped(out, message);
    out += "\"}";
    return out;
}
}  // namespace detail

/// One invocation's surroundings.
class Context {
  public:
    explicit Context(const fogbank_host& host) : host_(host) {}
    std::string_view request_id() const { return detail::view(host_.request_id); }
    std::string_view function_name() const { return detail::view(host_.function_name); }
    std::string_view function_arn() const { return detail::view(host_.function_arn); }
    std::int64_t deadline_ms() const { return host_.deadline_ms; }  ///< since the Unix epoch
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
        if (host_.get_item(host_.state, detail::bytes(table), detail::bytes(key_json), detail::sink(item), detail::sink(error)) != 0) throw HostError(error);
        return item;
    }
    /// Throws HostError.
    void publish(std::string_view topic, std::string_view payload, int qos = 0) {
        std::string error;
        if (host_.publish(host_.state, detail::bytes(topic), detail::bytes(payload), qos, detail::sink(error)) != 0) throw HostError(error);
    }

  private:
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
    } catch (const std::exception& e) {
        status = 1;
        out = error_object("std::exception", e.what());
    } catch (...) {
        status = 1;
        out = error_object("Unknown", "the handler threw something that is not a std::exception");
    }
    result.set(result.owner, bytes(out));
    return status;
}
}  // namespace detail

}  // namespace fogbank::lambda

/// Exports `function`, of type `Json (const std::string& event, Context& context)`, as this object's handler. Once per shared object.
#define FOGBANK_LAMBDA_HANDLER(function)                                                                            \
    static int fogbank_lambda_run(const fogbank_host* host, fogbank_bytes event, fogbank_sink result) {             \
        return ::fogbank::lambda::detail::run(&function, host, event, result);                                      \
    }                                                                                                               \
    extern "C" __attribute__((visibility("default"))) const fogbank_lambda_entry_t fogbank_lambda_entry = {         \
        FOGBANK_LAMBDA_ABI_VERSION, sizeof(fogbank_lambda_entry_t), &fogbank_lambda_run};                           \
    static_assert(true, "")

#endif /* __cplusplus */
#endif /* FOGBANK_LAMBDA_H */
