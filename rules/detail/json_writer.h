/// JSON text that grows at the end of a string. For rules' own files.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "rules/value.h"

namespace fogbank::rules::sql {

/// The string's size is right again, and its end the text's, once the writer is gone. One thread.
class JsonWriter {
  public:
    explicit JsonWriter(std::string& out);
    ~JsonWriter() { out_.resize(used_); }
    JsonWriter(const JsonWriter&) = delete;
    JsonWriter& operator=(const JsonWriter&) = delete;

    /// Of the whole string.
    std::size_t size() const { return used_; }

    void add(char c) {
        room_for(1);
        out_[used_++] = c;
    }
    /// As it is.
    void add(std::string_view text) {
        room_for(text.size());
        put(text);
    }
    /// Quoted and escaped.
    void add_string(std::string_view text);
    /// As `append_json` does.
    /// @return false if the string would grow beyond `bytes_max`.
    bool add_value(const Value& value, std::size_t bytes_max);

  private:
    void room_for(std::size_t bytes) {
        if (out_.size() - used_ < bytes) grow(bytes);
    }
    void grow(std::size_t bytes);
    void put(std::string_view text) {
        text.copy(out_.data() + used_, text.size());
        used_ += text.size();
    }
    void add_escaped(char c);
    bool add_array(const Array& items, std::size_t bytes_max);
    bool add_object(const Object& members, std::size_t bytes_max);

    std::string& out_;  ///< as long as there is room to write in
    std::size_t used_;
};

}  // namespace fogbank::rules::sql
