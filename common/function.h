/// A move-only std::function, for callbacks that own what they carry.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace fogbank {

template <class Signature>
class UniqueFunction;

/// Holds one callable; small ones (up to three pointers) without allocation. Calling an empty one is a bug (asserted by the null call).
template <class R, class... Args>
class UniqueFunction<R(Args...)> {
  public:
    UniqueFunction() = default;
    UniqueFunction(std::nullptr_t) {}

    template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, UniqueFunction> &&
                                                std::is_invocable_r_v<R, std::decay_t<F>&, Args...>>>
    UniqueFunction(F&& callable) {
        using Stored = std::decay_t<F>;
        if constexpr (sizeof(Stored) <= sizeof(storage_) && alignof(Stored) <= alignof(void*) &&
                      std::is_nothrow_move_constructible_v<Stored>) {
            ::new (static_cast<void*>(storage_)) Stored(std::forward<F>(callable));
            table_ = &local_table<Stored>;
        } else {
            ::new (static_cast<void*>(storage_)) Stored*(new Stored(std::forward<F>(callable)));
            table_ = &heap_table<Stored>;
        }
    }
    UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
    UniqueFunction& operator=(UniqueFunction&& other) noexcept {
        if (this != &other) {
            reset();
            take(other);
        }
        return *this;
    }
    UniqueFunction(const UniqueFunction&) = delete;
    UniqueFunction& operator=(const UniqueFunction&) = delete;
    ~UniqueFunction() { reset(); }

    explicit operator bool() const { return table_ != nullptr; }
    R operator()(Args... args) { return table_->call(storage_, std::forward<Args>(args)...); }

  private:
    struct Table {
        R (*call)(void*, Args&&...);
        void (*move)(void* from, void* to) noexcept;
        void (*destroy)(void*) noexcept;
    };
    template <class F>
    static constexpr Table local_table{[](void* p, Args&&... args) -> R { return (*static_cast<F*>(p))(std::forward<Args>(args)...); },
                                       [](void* from, void* to) noexcept {
                                           ::new (to) F(std::move(*static_cast<F*>(from)));
                                           static_cast<F*>(from)->~F();
                                       },
                                       [](void* p) noexcept { static_cast<F*>(p)->~F(); }};
    template <class F>
    static constexpr Table heap_table{[](void* p, Args&&... args) -> R { return (**static_cast<F**>(p))(std::forward<Args>(args)...); },
                                      [](void* from, void* to) noexcept { ::new (to) F*(*static_cast<F**>(from)); },
                                      [](void* p) noexcept { delete *static_cast<F**>(p); }};

    void take(UniqueFunction& other) noexcept {
        table_ = std::exchange(other.table_, nullptr);
        if (table_ != nullptr) table_->move(other.storage_, storage_);
    }
    void reset() noexcept {
        if (const Table* table = std::exchange(table_, nullptr); table != nullptr) table->destroy(storage_);
    }

    alignas(void*) unsigned char storage_[3 * sizeof(void*)];
    const Table* table_ = nullptr;
};

}  // namespace fogbank
