#include "api/http_manners.h"

#include <zlib.h>

#include "api/errc.h"

namespace fogbank::api {
namespace {

constexpr std::size_t compressed_from_bytes = 1400;  // smaller ones fit a packet as they are
constexpr int gzip_window_bits = 15 + 16;
constexpr std::string_view json_type = "application/x-amz-json-1.";

/// A zlib stream that ends itself.
class Stream {
  public:
    explicit Stream(bool inflates) : inflates_(inflates) {
        good_ = inflates ? inflateInit2(&stream_, gzip_window_bits) == Z_OK
                         : deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, gzip_window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() {
        if (good_) inflates_ ? inflateEnd(&stream_) : deflateEnd(&stream_);
    }
    bool good() const { return good_; }
    z_stream& operator*() { return stream_; }

  private:
    z_stream stream_{};
    bool inflates_, good_ = false;
};

Bytef* input_of(std::string_view bytes) {
    return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // NOLINT: zlib only reads it
}

Result<std::string> gunzip(std::string_view compressed, std::size_t bytes_max) {
    Stream stream(true);
    if (!stream.good()) return Error(Errc::internal, "no memory for decompression");
    (*stream).next_in = input_of(compressed);
    (*stream).avail_in = static_cast<uInt>(compressed.size());
    std::string out;
    char piece[16 * 1024];
    for (int code = Z_OK; code != Z_STREAM_END;) {
        (*stream).next_out = reinterpret_cast<Bytef*>(piece);
        (*stream).avail_out = sizeof piece;
        code = inflate(&*stream, Z_NO_FLUSH);
        const std::size_t got = sizeof piece - (*stream).avail_out;
        if ((code != Z_OK && code != Z_STREAM_END) || (code == Z_OK && got == 0))
            return Error(Errc::malformed_body, "the request body is not well-formed gzip");
        if (out.size() + got > bytes_max) return Error(Errc::body_too_large, "the request body is too large when decompressed");
        out.append(piece, got);
    }
    return out;
}

std::optional<std::string> gzip(std::string_view bytes) {
    Stream stream(false);
    if (!stream.good()) return std::nullopt;
    std::string out(deflateBound(&*stream, static_cast<uLong>(bytes.size())), '\0');
    (*stream).next_in = input_of(bytes);
    (*stream).avail_in = static_cast<uInt>(bytes.size());
    (*stream).next_out = reinterpret_cast<Bytef*>(out.data());
    (*stream).avail_out = static_cast<uInt>(out.size());
    if (deflate(&*stream, Z_FINISH) != Z_STREAM_END) return std::nullopt;
    out.resize((*stream).total_out);
    return out;
}

}  // namespace

std::optional<Response> answer_without_credentials(const Request& request, std::string_view region) {
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (reads && request.path == "/" && request.query.empty() && !request.header("authorization")) {
        Response response(200);
        response.content_type = "text/plain";
        response.body = "healthy: dynamodb." + std::string(region) + ".amazonaws.com ";
        return response;
    }
    if (request.method != "OPTIONS" || !request.header("origin") || !request.header("access-control-request-method")) return std::nullopt;
    Response response(200);
    response.headers.emplace_back("access-control-allow-origin", "*");
    response.headers.emplace_back("access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    if (const auto wanted = request.header("access-control-request-headers"))
        response.headers.emplace_back("access-control-allow-headers", std::string(*wanted));
    response.headers.emplace_back("access-control-max-age", "172800");
    return response;
}

Result<void> decode_body(Request& request, std::size_t bytes_max) {
    const auto encoding = request.header("content-encoding");
    if (!encoding || *encoding != "gzip") return {};
    auto body = gunzip(request.body, bytes_max);
    if (!body) return body.error();
    request.body = std::move(*body);
    return {};
}

ClientWishes wishes_of(const Request& request) {
    ClientWishes out;
    out.accepts_gzip = request.header("accept-encoding").value_or("").find("gzip") != std::string_view::npos;
    out.is_from_browser = request.header("origin").has_value();
    return out;
}

void dress(const ClientWishes& wishes, Response& response) {
    const bool is_json = std::string_view(response.content_type).starts_with(json_type);
    if (is_json && wishes.accepts_gzip && response.body.size() >= compressed_from_bytes) {
        if (auto smaller = gzip(response.body)) {
            response.body = std::move(*smaller);
            response.headers.emplace_back("content-encoding", "gzip");
        }
    }
    if (is_json) {
        const auto checksum = ::crc32(0, input_of(response.body), static_cast<uInt>(response.body.size()));
        response.headers.emplace_back("x-amz-crc32", std::to_string(checksum));
    }
    if (!wishes.is_from_browser) return;
    for (const Header& header : response.headers) {
        if (header.name == "access-control-allow-origin") return;
    }
    response.headers.emplace_back("access-control-allow-origin", "*");
    response.headers.emplace_back("access-control-expose-headers",
                                  "x-amzn-requestid,x-amzn-errortype,x-amzn-errormessage,x-amz-crc32,date");
}

}  // namespace fogbank::api
