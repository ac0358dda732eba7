#include "sim/client_script.hpp"

#include <js/CallAndConstruct.h>
#include <js/CharacterEncoding.h>
#include <js/CompilationAndEvaluation.h>
#include <js/ContextOptions.h>
#include <js/Exception.h>
#include <js/GCAPI.h>
#include <js/GCVector.h>
#include <js/GlobalObject.h>
#include <js/Initialization.h>
#include <js/Object.h>
#include <js/Promise.h>
#include <js/PropertyAndElement.h>
#include <js/PropertySpec.h>
#include <js/Realm.h>
#include <js/SourceText.h>
#include <js/Stack.h>
#include <jsapi.h>
#include <jsfriendapi.h>

#include <exception>
#include <map>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/ensure.hpp"
#include "base/json.hpp"
#include "sim/client_code.hpp"

namespace liaison::sim {

BOOST_DESCRIBE_STRUCT(ClientScript::View, (),
                      (phase, you, microphone, camera, screen, screen_audio, sending, generation,
                       failure, slots, sharer, speaker, notice))
BOOST_DESCRIBE_STRUCT(ClientScript::Person, (),
                      (id, name, microphone, camera, screen, screen_audio, connected))

namespace {

constexpr std::uint32_t max_heap_bytes = 1u << 30;
// Far below what a thread has, and far above what the client needs, with or without a sanitizer.
constexpr std::size_t max_stack_bytes = std::size_t{1} << 20;
// SpiderMonkey collects by itself when it allocates much; this is for a world that does so slowly.
constexpr std::uint32_t calls_between_collections = 1024;
constexpr std::size_t max_view_bytes = std::size_t{1} << 22;

// SpiderMonkey itself: begun once in a process, and never again after its end.
struct Engine {
  Engine() {
    if (!JS_Init()) throw std::runtime_error("SpiderMonkey does not start");
  }
  ~Engine() { JS_ShutDown(); }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
};

// The interpreter of this thread. A thread can have one only, and making one takes longer than many
// a simulation; what keeps scripts apart are their realms.
struct Interpreter {
  Interpreter() : context(JS_NewContext(max_heap_bytes)) {
    if (context == nullptr) throw std::runtime_error("SpiderMonkey has no memory");
    JS_SetNativeStackQuota(context, max_stack_bytes);
    // Without WebAssembly it puts no signal handlers in front of the sanitizers'.
    JS::ContextOptionsRef(context).setAsmJS(false).setWasm(false);
    if (!js::UseInternalJobQueues(context) || !JS::InitSelfHostedCode(context)) {
      throw std::runtime_error("SpiderMonkey does not start");
    }
  }
  ~Interpreter() { JS_DestroyContext(context); }
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  JSContext* context;
};

JSContext* interpreter() {
  static const Engine engine;
  thread_local const Interpreter of_this_thread;
  return of_this_thread.context;
}

struct PeopleSeen {
  std::vector<ClientScript::Person> people;
};
BOOST_DESCRIBE_STRUCT(PeopleSeen, (), (people))

bool to_script(JSContext*, std::uint32_t number, JS::MutableHandleValue out) {
  out.setNumber(number);
  return true;
}
bool to_script(JSContext*, double number, JS::MutableHandleValue out) {
  out.setNumber(number);
  return true;
}
bool to_script(JSContext*, bool flag, JS::MutableHandleValue out) {
  out.setBoolean(flag);
  return true;
}
bool to_script(JSContext* context, std::string_view text, JS::MutableHandleValue out) {
  JSString* const string = JS_NewStringCopyUTF8N(context, JS::UTF8Chars(text.data(), text.size()));
  if (string == nullptr) return false;
  out.setString(string);
  return true;
}

// Empty if there is no memory for it, or if it is no string.
std::string to_text(JSContext* context, JS::HandleValue value) {
  if (!value.isString()) return {};
  const JS::RootedString string(context, value.toString());
  const JS::UniqueChars utf8 = JS_EncodeStringToUTF8(context, string);
  return utf8 ? std::string(utf8.get()) : std::string();
}

std::string describe(JSContext* context, const JS::ExceptionStack& thrown) {
  JS::ErrorReportBuilder report(context);
  std::string text = "an exception of which nothing is known";
  if (report.init(context, thrown, JS::ErrorReportBuilder::NoSideEffects)) {
    text = report.toStringResult().c_str();
  }
  JS::RootedString stack(context);
  if (thrown.stack() && JS::BuildStackString(context, nullptr, thrown.stack(), &stack, 2)) {
    const JS::RootedValue value(context, JS::StringValue(stack));
    text += "\n" + to_text(context, value);
  }
  JS_ClearPendingException(context);
  return text;
}

}  // namespace

// A realm with the bundled client in it, and the way there and back.
class ClientScript::Script {
 public:
  explicit Script(ClientHost& host);
  ~Script();
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  // Calls what client.ts exports under this name, and runs what promises have come true by it.
  template <typename... Arguments>
  void call(Instant now, const char* function, const Arguments&... arguments) {
    const Turn turn(*this);
    const JSAutoRealm realm(context_, global_);
    const auto ms = std::chrono::floor<milliseconds>(now.time_since_epoch()).count();
    JS::RootedValue ignored(context_);
    if (invoke(&ignored, "at", static_cast<double>(ms))) invoke(&ignored, function, arguments...);
    finish();
  }
  const View& view(BrowserId browser);
  const std::vector<Person>& people(BrowserId browser);
  // There is another page in it, or none.
  void forget_view(BrowserId browser) { views_.erase(browser); }

 private:
  // While it lasts nobody else may call.
  struct Turn {
    explicit Turn(Script& whose) : script(whose) {
      ENSURE(!script.running_);
      ENSURE(!script.has_failed());
      script.running_ = true;
      JS::SetPromiseRejectionTrackerCallback(script.context_, rejected, &script);
    }
    ~Turn() { script.running_ = false; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    Script& script;
  };
  // What the script asks of the host, with arguments whose types the compiler of client.ts checked.
  struct Question {
    BrowserId browser() const { return {number(0)}; }
    std::uint32_t number(unsigned index) const {
      return static_cast<std::uint32_t>(arguments.get(index).toNumber());
    }
    bool flag(unsigned index) const { return arguments.get(index).toBoolean(); }
    std::string text(unsigned index) const { return to_text(context, arguments.get(index)); }
    void answer(const auto& value) const {
      if (!to_script(context, value, arguments.rval())) throw std::bad_alloc();
    }

    JSContext* context;
    JS::CallArgs arguments;
  };
  struct Seen {
    bool fresh = false;
    View view;
    bool people_fresh = false;
    std::vector<Person> people;
  };

  // What an exported function without arguments says, which is JSON.
  template <typename T>
  T ask(const char* function, BrowserId browser);
  template <typename... Arguments>
  bool invoke(JS::MutableHandleValue result, const char* function, const Arguments&... arguments) {
    JS::RootedValueArray<sizeof...(Arguments)> values(context_);
    std::size_t index = 0;
    const auto place = [&](const auto& argument) {
      return to_script(context_, argument, values[index++]);
    };
    if ((place(arguments) && ...) &&
        JS_CallFunctionName(context_, client_, function, values, result)) {
      return true;
    }
    keep_exception();
    return false;
  }
  // A function that client.ts can call. No C++ exception may cross the interpreter: it ends the
  // script, where nothing can catch it, and goes on behind it. So does a failure before.
  template <auto ask>
  static bool native(JSContext* context, unsigned count, JS::Value* values) {
    Script& script =
        *JS::GetMaybePtrFromReservedSlot<Script>(JS::CurrentGlobalOrNull(context), slot_of_script);
    if (script.has_failed()) return false;
    const Question question{context, JS::CallArgsFromVp(count, values)};
    question.arguments.rval().setUndefined();
    try {
      ask(script, question);
      return true;
    } catch (...) {
      script.host_failure_ = std::current_exception();
      return false;
    }
  }

  bool has_failed() const { return host_failure_ != nullptr || !failure_.empty(); }
  bool load();
  // Runs promise jobs until there are none, and throws what went wrong.
  void finish();
  void keep_exception();
  void keep_rejection();
  static void rejected(JSContext* context, bool muted, JS::HandleObject promise,
                       JS::PromiseRejectionHandlingState state, void* script);

  // One of those at the beginning of a global object that are its maker's.
  static constexpr std::uint32_t slot_of_script = 0;

  ClientHost& host_;
  JSContext* context_;
  JS::PersistentRootedObject global_;
  JS::PersistentRootedObject client_;
  // Rejected promises that nobody has looked at yet.
  JS::PersistentRootedVector<JSObject*> rejected_;
  std::map<BrowserId, Seen> views_;
  std::string failure_;
  std::exception_ptr host_failure_;
  bool running_ = false;
  std::uint32_t calls_ = 0;
};

ClientScript::Script::Script(ClientHost& host)
    : host_(host),
      context_(interpreter()),
      global_(context_),
      client_(context_),
      rejected_(context_) {
  static const JSClass global_class = {
      "Browsers", JSCLASS_GLOBAL_FLAGS, &JS::DefaultGlobalClassOps, nullptr, nullptr, nullptr};
  const Turn turn(*this);
  // A zone of its own can be collected by itself.
  JS::RealmOptions options;
  options.creationOptions().setNewCompartmentAndZone();
  global_ = JS_NewGlobalObject(context_, &global_class, nullptr, JS::FireOnNewGlobalHook, options);
  if (!global_) throw std::bad_alloc();
  JS::SetReservedSlot(global_, slot_of_script, JS::PrivateValue(this));
  const JSAutoRealm realm(context_, global_);
  if (!load()) keep_exception();
  finish();
}

ClientScript::Script::~Script() {
  global_.reset();
  client_.reset();
  // Else a process that makes many worlds would carry the former ones along for a while.
  JS_GC(context_);
}

bool ClientScript::Script::load() {
  const JS::RootedObject host(context_, JS_DefineObject(context_, global_, "host", nullptr, 0));
  static constexpr JSFunctionSpec functions[] = {
      JS_FN("connect", (native<[](Script& script, const Question& question) {
              script.host_.connect(question.browser(), question.number(1));
            }>),
            2, 0),
      JS_FN("send", (native<[](Script& script, const Question& question) {
              script.host_.send(question.browser(), question.number(1), question.text(2));
            }>),
            3, 0),
      JS_FN("closeSocket", (native<[](Script& script, const Question& question) {
              script.host_.close_socket(question.browser(), question.number(1));
            }>),
            2, 0),
      JS_FN("setTimer", (native<[](Script& script, const Question& question) {
              script.host_.set_timer(question.browser(), question.number(1),
                                     milliseconds(question.number(2)));
            }>),
            3, 0),
      JS_FN("cancelTimer", (native<[](Script& script, const Question& question) {
              script.host_.cancel_timer(question.browser(), question.number(1));
            }>),
            2, 0),
      JS_FN("openPeer", (native<[](Script& script, const Question& question) {
              script.host_.open_peer(question.browser(), question.number(1));
            }>),
            2, 0),
      JS_FN("offer", (native<[](Script& script, const Question& question) {
              question.answer(std::string_view(
                  script.host_.offer(question.browser(), question.number(1),
                                     {static_cast<std::uint16_t>(question.number(2)),
                                      static_cast<std::uint16_t>(question.number(3))},
                                     question.flag(4), question.number(5))));
            }>),
            6, 0),
      JS_FN("answer", (native<[](Script& script, const Question& question) {
              question.answer(
                  script.host_.answer(question.browser(), question.number(1), question.text(2)));
            }>),
            3, 0),
      JS_FN("setSending", (native<[](Script& script, const Question& question) {
              script.host_.set_sending(question.browser(), question.number(1), question.number(2),
                                       question.number(3));
            }>),
            4, 0),
      JS_FN("closePeer", (native<[](Script& script, const Question& question) {
              script.host_.close_peer(question.browser(), question.number(1));
            }>),
            2, 0),
      JS_FN("changed", (native<[](Script& script, const Question& question) {
              Seen& seen = script.views_[question.browser()];
              seen.fresh = seen.people_fresh = false;
              script.host_.changed(question.browser());
            }>),
            1, 0),
      JS_FS_END};
  if (!host || !JS_DefineFunctions(context_, host, functions)) return false;

  JS::CompileOptions options(context_);
  options.setFileAndLine("client.js", 1);
  JS::SourceText<mozilla::Utf8Unit> source;
  const std::string_view code = client_code();
  JS::RootedValue result(context_);
  if (!source.init(context_, code.data(), code.size(), JS::SourceOwnership::Borrowed) ||
      !JS::Evaluate(context_, options, source, &result) ||
      !JS_GetProperty(context_, global_, "client", &result)) {
    return false;
  }
  ENSURE(result.isObject());
  client_ = &result.toObject();
  return true;
}

template <typename T>
T ClientScript::Script::ask(const char* function, BrowserId browser) {
  const Turn turn(*this);
  const JSAutoRealm realm(context_, global_);
  JS::RootedValue text(context_);
  invoke(&text, function, browser.value);
  finish();
  const auto read = json::parse(to_text(context_, text), max_view_bytes);
  if (!read) throw std::runtime_error(std::string(function) + ": " + read.error().message);
  auto answer = json::decode<T>(*read);
  if (!answer) throw std::runtime_error(std::string(function) + ": " + answer.error().message);
  return std::move(*answer);
}

const std::vector<ClientScript::Person>& ClientScript::Script::people(BrowserId browser) {
  Seen& seen = views_[browser];
  if (!std::exchange(seen.people_fresh, true))
    seen.people = ask<PeopleSeen>("people", browser).people;
  return seen.people;
}

const ClientScript::View& ClientScript::Script::view(BrowserId browser) {
  Seen& seen = views_[browser];
  if (!std::exchange(seen.fresh, true)) seen.view = ask<View>("view", browser);
  return seen.view;
}

void ClientScript::Script::finish() {
  // To the end even after a failure, since what was left would run in the next script's turn.
  js::RunJobs(context_);
  if (!rejected_.empty()) keep_rejection();
  if (++calls_ % calls_between_collections == 0) JS_MaybeGC(context_);
  if (host_failure_) std::rethrow_exception(host_failure_);
  if (!failure_.empty()) throw std::runtime_error("the client: " + failure_);
}

// The first one counts: what follows it is its consequence.
void ClientScript::Script::keep_exception() {
  JS::ExceptionStack thrown(context_);
  if (has_failed()) {
    JS_ClearPendingException(context_);
  } else if (JS_IsExceptionPending(context_) && JS::StealPendingExceptionStack(context_, &thrown)) {
    failure_ = describe(context_, thrown);
  } else {
    failure_ = "it was ended";
  }
}

void ClientScript::Script::keep_rejection() {
  if (!has_failed()) {
    const JS::RootedObject promise(context_, rejected_[0]);
    const JS::RootedValue reason(context_, JS::GetPromiseResult(promise));
    JS::RootedObject stack(context_);
    if (reason.isObject()) {
      const JS::RootedObject error(context_, &reason.toObject());
      stack = JS::ExceptionStackOrNull(error);
    }
    if (!stack) stack = JS::GetPromiseResolutionSite(promise);
    failure_ = "unhandled: " + describe(context_, JS::ExceptionStack(context_, reason, stack));
  }
  rejected_.clear();
}

void ClientScript::Script::rejected(JSContext*, bool, JS::HandleObject promise,
                                    JS::PromiseRejectionHandlingState state, void* script) {
  auto& list = static_cast<Script*>(script)->rejected_;
  if (state == JS::PromiseRejectionHandlingState::Unhandled) {
    if (!list.append(promise)) std::terminate();
    return;
  }
  for (std::size_t i = 0; i < list.length(); ++i) {
    if (list[i] == promise) return list.erase(list.begin() + i);
  }
}

ClientScript::ClientScript(ClientHost& host) : script_(std::make_unique<Script>(host)) {}
ClientScript::~ClientScript() = default;

void ClientScript::open_page(BrowserId browser, std::uint16_t first_slots, std::uint16_t most_slots,
                             Instant now) {
  script_->forget_view(browser);
  script_->call(now, "openPage", browser.value, std::uint32_t{first_slots},
                std::uint32_t{most_slots});
}

void ClientScript::close_page(BrowserId browser, Instant now) {
  script_->forget_view(browser);
  script_->call(now, "closePage", browser.value);
}

void ClientScript::join(BrowserId browser, std::string_view room, std::string_view name,
                        std::string_view token, bool resume_if_possible, Instant now) {
  script_->call(now, "join", browser.value, room, name, token, resume_if_possible);
}

void ClientScript::leave(BrowserId browser, Instant now) {
  script_->call(now, "leave", browser.value);
}

void ClientScript::publish(BrowserId browser, bool microphone, bool camera, bool screen,
                           bool screen_audio, Instant now) {
  script_->call(now, "publish", browser.value, microphone, camera, screen, screen_audio);
}

void ClientScript::socket_opened(BrowserId browser, std::uint32_t socket, Instant now) {
  script_->call(now, "socketOpened", browser.value, socket);
}

void ClientScript::socket_message(BrowserId browser, std::uint32_t socket, std::string_view text,
                                  Instant now) {
  script_->call(now, "socketMessage", browser.value, socket, text);
}

void ClientScript::socket_closed(BrowserId browser, std::uint32_t socket, Instant now) {
  script_->call(now, "socketClosed", browser.value, socket);
}

void ClientScript::timer_fired(BrowserId browser, std::uint32_t timer, Instant now) {
  script_->call(now, "timerFired", browser.value, timer);
}

void ClientScript::connection_state(BrowserId browser, std::uint32_t peer, std::string_view state,
                                    Instant now) {
  script_->call(now, "connectionState", browser.value, peer, state);
}

void ClientScript::network_changed(BrowserId browser, Instant now) {
  script_->call(now, "networkChanged", browser.value);
}

void ClientScript::wake(BrowserId browser, Instant now) {
  script_->call(now, "wake", browser.value);
}

const ClientScript::View& ClientScript::view(BrowserId browser) { return script_->view(browser); }
const std::vector<ClientScript::Person>& ClientScript::people(BrowserId browser) {
  return script_->people(browser);
}

}  // namespace liaison::sim
