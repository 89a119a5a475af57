/// What keeps a publish from being acknowledged before everybody who must make it durable has done so.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "common/function.h"
#include "common/result.h"

namespace fogbank {

class Acknowledgement;

/// A claim on one publish's acknowledgement; the acknowledgement leaves when the last claim is gone. Copyable, cheap, any thread.
/// An empty Hold (a QoS 0 publish, where nobody waits) does nothing.
class Hold {
  public:
    Hold() = default;
    /// Marks the publish as failed: it will not be acknowledged, the publisher learns `error`. The first failure wins.
    void fail(Error error) const;
    explicit operator bool() const { return acknowledgement_ != nullptr; }

  private:
    friend class Acknowledgement;
    explicit Hold(std::shared_ptr<Acknowledgement> acknowledgement) : acknowledgement_(std::move(acknowledgement)) {}
    std::shared_ptr<Acknowledgement> acknowledgement_;
};

/// Shared by the holds of one publish. Its destructor, run when the last hold goes and on whichever thread that is, calls the callback
/// once.
class Acknowledgement {
  public:
    using Callback = UniqueFunction<void(Result<void>)>;
    static Hold begin(Callback callback);
    explicit Acknowledgement(Callback callback) : callback_(std::move(callback)) {}
    ~Acknowledgement();
    Acknowledgement(const Acknowledgement&) = delete;
    Acknowledgement& operator=(const Acknowledgement&) = delete;

  private:
    friend class Hold;
    Callback callback_;
    std::mutex mutex_;
    std::optional<Error> failure_;
};

/// Handed to each subscriber with a message. Lives for the duration of the `deliver` calls of one publish, on the publisher's thread.
class PublishContext {
  public:
    virtual ~PublishContext() = default;
    /// A subscriber that stores the message, or makes something durable from it, keeps the hold until that is committed.
    /// Empty when the publisher waits for nothing (QoS 0).
    virtual Hold hold() = 0;
};

}  // namespace fogbank
