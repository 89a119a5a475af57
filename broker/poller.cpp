#include "broker/poller.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/common_errc.h"

namespace fogbank::broker {
namespace {
// Events taken in one batch: gathers enough to be worth one flush, and lets timers and mailboxes in between.
constexpr int batch_events = 256;
}  // namespace

Poller::Poller(boost::asio::io_context& io, UniqueFunction<void()> before_batch, UniqueFunction<void()> after_batch)
    : epoll_(io, ::epoll_create1(EPOLL_CLOEXEC)), before_batch_(std::move(before_batch)), after_batch_(std::move(after_batch)) {}

Poller::~Poller() = default;

void Poller::start() {
    wait();
}

void Poller::stop() {
    stopped_ = true;
    boost::system::error_code ignored;
    epoll_.close(ignored);
}

Result<void> Poller::add(int descriptor, Pollable& pollable) {
    return control(EPOLL_CTL_ADD, descriptor, pollable);
}

Result<void> Poller::replace(int descriptor, Pollable& pollable) {
    return control(EPOLL_CTL_MOD, descriptor, pollable);
}

Result<void> Poller::control(int operation, int descriptor, Pollable& pollable) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &pollable;
    if (::epoll_ctl(epoll_.native_handle(), operation, descriptor, &event) == 0) return {};
    return Error(CommonErrc::io_error, std::string("epoll: ") + std::strerror(errno));
}

void Poller::remove(int descriptor) {
    ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, descriptor, nullptr);
}

void Poller::wait() {
    if (stopped_) return;
    epoll_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
        if (error) return;
        run_batch();
        wait();
    });
}

void Poller::run_batch() {
    std::array<epoll_event, batch_events> events;
    const int count = ::epoll_wait(epoll_.native_handle(), events.data(), batch_events, 0);
    if (count <= 0) return;
    before_batch_();
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        Readiness readiness;
        readiness.hung_up = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
        readiness.readable = readiness.hung_up || (event.events & EPOLLIN) != 0;
        readiness.writable = (event.events & EPOLLOUT) != 0;
        static_cast<Pollable*>(event.data.ptr)->on_ready(readiness);
    }
    after_batch_();
}

}  // namespace fogbank::broker
