#include "broker/stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fogbank::broker {
namespace {

class PlainStream final : public Stream {
  public:
    explicit PlainStream(int descriptor) : descriptor_(descriptor) {}

    int descriptor() const override { return descriptor_.get(); }
    IoResult handshake() override { return {}; }
    PeerFacts take_peer_facts() override { return {}; }
    IoResult read(char* to, std::size_t size) override {
        const ssize_t got = ::recv(descriptor_.get(), to, size, 0);
        if (got == 0) return {IoResult::Status::closed, 0};
        IoResult result = result_of(got);
        result.drained = result.bytes < size;
        return result;
    }
    IoResult write(const char* from, std::size_t size) override { return result_of(::send(descriptor_.get(), from, size, MSG_NOSIGNAL)); }
    bool reads_may_write() const override { return false; }
    void end(CloseCode) override { ::shutdown(descriptor_.get(), SHUT_WR); }
    std::string failure() const override { return std::strerror(error_); }

  private:
    IoResult result_of(ssize_t count) {
        if (count >= 0) return {IoResult::Status::done, static_cast<std::size_t>(count)};
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {IoResult::Status::would_block, 0};
        error_ = errno;
        return {IoResult::Status::failed, 0};
    }

    OwnedDescriptor descriptor_;
    int error_ = 0;
};

}  // namespace

OwnedDescriptor::~OwnedDescriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

std::unique_ptr<Stream> make_plain_stream(int descriptor) {
    return std::make_unique<PlainStream>(descriptor);
}

}  // namespace fogbank::broker
