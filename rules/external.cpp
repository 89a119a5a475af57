#include "rules/external.h"

#include <algorithm>

namespace fogbank::rules::sql {

const ExternalAnswer* ExternalCalls::next(ExternalRequest request) {
    if (at_ < known_.size()) {
        if (known_[at_].request == request) return &known_[at_++].answer;
        known_.erase(known_.begin() + static_cast<std::ptrdiff_t>(at_), known_.end());
    }
    if (primed_ != nullptr) {
        const auto found = std::find_if(primed_->begin(), primed_->end(), [&](const Known& one) { return one.request == request; });
        if (found != primed_->end()) {
            known_.push_back(*found);
            return &known_[at_++].answer;
        }
    }
    wanted_ = std::move(request);
    return nullptr;
}

void ExternalCalls::answer(ExternalAnswer answer) {
    known_.push_back({std::move(*wanted_), std::move(answer)});
    wanted_.reset();
}

void ExternalCalls::take(Answers& out) {
    std::move(known_.begin(), known_.end(), std::back_inserter(out));
    known_.clear();
    restart();
}

void ExternalCalls::restart() {
    at_ = 0;
    wanted_.reset();
}

std::size_t ExternalCalls::asked(External service) const {
    return static_cast<std::size_t>(std::count_if(known_.begin(), known_.begin() + static_cast<std::ptrdiff_t>(at_),
                                                  [service](const Known& known) { return known.request.service == service; }));
}

void ReplayedRandom::fill(std::span<std::uint8_t> out) {
    if (drawn_.size() - at_ < out.size()) {
        const std::size_t missing = out.size() - (drawn_.size() - at_);
        drawn_.resize(drawn_.size() + missing);
        source_.fill(std::span(drawn_).last(missing));
    }
    std::copy_n(drawn_.begin() + static_cast<std::ptrdiff_t>(at_), out.size(), out.begin());
    at_ += out.size();
}

}  // namespace fogbank::rules::sql
