#include "common/acknowledgement.h"

namespace fogbank {

void Hold::fail(Error error) const {
    if (!acknowledgement_) return;
    const std::lock_guard lock(acknowledgement_->mutex_);
    if (!acknowledgement_->failure_) acknowledgement_->failure_ = std::move(error);
}

Hold Acknowledgement::begin(Callback callback) {
    return Hold(std::make_shared<Acknowledgement>(std::move(callback)));
}

Acknowledgement::~Acknowledgement() {
    if (!callback_) return;
    if (failure_) {
        callback_(Result<void>(std::move(*failure_)));
    } else {
        callback_(Result<void>());
    }
}

}  // namespace fogbank
