/// Just enough HTTP/1.1 for the Lambda Runtime API: what a runtime's client sends, cut into requests. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fogbank::lambda {

struct RuntimeRequest {
    std::string method, path;  ///< the path without its query
    std::string error_type;    ///< Lambda-Runtime-Function-Error-Type
    std::string body;          ///< cut at the parser's bound
    bool body_too_large = false;
    bool keep_alive = true;
};

/// Takes bytes split anywhere. After a malformed request it takes no more.
class RuntimeRequestParser {
  public:
    static constexpr std::size_t head_bytes_max = 16 * 1024;
    /// What is read and thrown away of a body that is too large, so that its sender gets to read the answer.
    static constexpr std::size_t skipped_bytes_max = 64 * 1024 * 1024;

    explicit RuntimeRequestParser(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

    void add(std::string_view bytes) {
        if (!malformed_) in_ += bytes;
    }
    /// The next whole request.
    std::optional<RuntimeRequest> next();
    bool malformed() const { return malformed_; }
    /// Once per request whose sender waits for `100 Continue` before it sends the body.
    bool take_expects_continue();

  private:
    enum class State : std::uint8_t { head, body, chunk_size, chunk_data, chunk_end, trailer, done };
    std::optional<std::string_view> line();
    bool step();
    bool read_head();
    bool request_line(std::string_view text);
    bool header_line(std::string_view text);
    bool read_body();
    bool read_chunk_size();
    bool read_trailer();
    bool fail();
    void keep(std::string_view bytes);

    const std::size_t body_bytes_max_;
    std::string in_;
    std::size_t at_ = 0;
    State state_ = State::head;
    RuntimeRequest request_;
    bool started_ = false, chunked_ = false, has_length_ = false, expects_continue_ = false, malformed_ = false;
    std::size_t head_bytes_ = 0, left_ = 0, total_ = 0;
};

/// A whole answer with its length. `head` are further header lines, each with its end.
std::string runtime_response(unsigned status, std::string_view head, std::string_view content_type, std::string_view body);

}  // namespace fogbank::lambda
