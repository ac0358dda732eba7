// The English words, and with them the list of all keys: every other language must have each.
// {name} stands for a value; a message that counts has one text per plural form.

export const en = {
  'app.name': 'Liaison',

  'start.title': 'Talk face to face',
  'start.lead':
    'Start a call and send the link to whoever you want to see. Nobody needs an account, and the call runs on this server alone.',
  'start.new': 'Start a call',
  'start.or': 'or join one',
  'start.room': 'Name of the room',
  'start.room_hint': 'Small letters, digits and hyphens: “tuesday-call”',
  'start.room_bad':
    'A room’s name has 1 to 64 small letters, digits or hyphens, and no spaces. Try “{suggestion}”.',
  'start.room_empty': 'Type the name of the room, or paste its link.',
  'start.join': 'Join',
  'start.unsupported_title': 'This browser will not do',
  'start.unsupported':
    'This browser cannot make video calls. Please use a current Chrome, Edge, Firefox or Safari.',

  'prejoin.title': 'Ready to join?',
  'prejoin.room': 'Room {room}',
  'prejoin.name': 'Your name',
  'prejoin.name_hint': 'This is what the others see',
  'prejoin.name_empty': 'Please type your name, so that the others know who you are.',
  'prejoin.join': 'Join the call',
  'prejoin.join_without_camera': 'Join without camera',
  'prejoin.join_without_microphone': 'Join without microphone',
  'prejoin.join_without_both': 'Join to watch and listen',
  'prejoin.preview': 'Your own picture',
  'prejoin.camera_off': 'Your camera is off',
  'prejoin.camera_opening': 'Opening your camera…',
  'prejoin.camera_problem': 'No picture',
  'prejoin.allow': 'Your browser asks for camera and microphone. Please choose “Allow”.',
  'prejoin.nothing_sent': 'Nothing is sent before you join.',

  'device.microphone': 'Microphone',
  'device.camera': 'Camera',
  'device.speaker': 'Speaker',
  'device.default': 'System default',
  'device.microphone_n': 'Microphone {number}',
  'device.camera_n': 'Camera {number}',
  'device.speaker_n': 'Speaker {number}',
  'device.none_microphone': 'No microphone found',
  'device.none_camera': 'No camera found',
  'device.level': 'Microphone level',
  'device.test_speaker': 'Play a test tone',
  'device.testing_speaker': 'Playing…',
  'device.speaker_by_system': 'Sound comes out where your system plays it.',
  'device.title': 'Camera, microphone, speaker',
  'device.retry': 'Try again',

  'help.microphone.denied': 'The microphone is blocked',
  'help.microphone.dismissed': 'The microphone was not allowed yet',
  'help.microphone.system': 'Your system keeps the microphone from the browser',
  'help.microphone.busy': 'The microphone is in use elsewhere',
  'help.microphone.missing': 'No microphone found',
  'help.microphone.insecure': 'The microphone needs a secure page',
  'help.microphone.overconstrained': 'This microphone does not fit',
  'help.microphone.silent': 'We cannot hear you',
  'help.microphone.black': 'We cannot hear you',
  'help.microphone.lost': 'The microphone was unplugged',
  'help.camera.denied': 'The camera is blocked',
  'help.camera.dismissed': 'The camera was not allowed yet',
  'help.camera.system': 'Your system keeps the camera from the browser',
  'help.camera.busy': 'The camera is in use elsewhere',
  'help.camera.missing': 'No camera found',
  'help.camera.insecure': 'The camera needs a secure page',
  'help.camera.overconstrained': 'This camera does not fit',
  'help.camera.silent': 'The camera gives no picture',
  'help.camera.black': 'Your picture is black',
  'help.camera.lost': 'The camera was unplugged',
  'help.both.denied': 'Camera and microphone are blocked',
  'help.both.dismissed': 'Camera and microphone were not allowed yet',
  'help.both.insecure': 'Camera and microphone need a secure page',
  'help.screen.system': 'Your system keeps the screen from the browser',
  'help.screen.failed': 'The screen could not be shared',

  'help.denied.chromium':
    'Click the icon left of the address bar, choose “Site settings” or the switches there, allow camera and microphone, then try again.',
  'help.denied.firefox':
    'Click the crossed-out camera or microphone left of the address, remove the block, then try again.',
  'help.denied.safari':
    'In the menu Safari choose “Settings for This Website…”, set camera and microphone to “Allow”, then try again.',
  'help.denied.android':
    'Tap the icon left of the address, then “Permissions”, allow camera and microphone, then try again.',
  'help.denied.ios':
    'Tap the “aA” or page icon in the address bar, then “Website Settings”, allow camera and microphone, then try again.',
  'help.dismissed': 'Press “Try again” and choose “Allow” when the browser asks.',
  'help.system.mac':
    'Open System Settings, “Privacy & Security”, and allow this browser under Camera, Microphone or Screen Recording. Then restart the browser.',
  'help.system.windows':
    'Open Settings, “Privacy & security”, and allow apps and this browser to use camera and microphone.',
  'help.system.phone':
    'Open the settings of your phone, find this browser among the apps, and allow camera and microphone.',
  'help.system.other': 'Allow this browser to use it in the settings of your system.',
  'help.busy':
    'Another program or browser tab seems to hold it. Close that one, or choose another device, then try again.',
  'help.missing': 'Plug one in, or switch it on. It will be found by itself.',
  'help.insecure':
    'The address must begin with https://. Ask whoever sent you the link for the right one.',
  'help.overconstrained': 'Choose another one from the list.',
  'help.silent':
    'Say something. If the bar stays empty, see whether the microphone has a mute switch of its own, or choose another one from the list.',
  'help.black':
    'See whether a shutter or a sticker covers the lens, or choose another camera from the list.',
  'help.lost': 'Plug it in again, or choose another one from the list.',
  'help.screen.retry': 'Please try once more, or share a window instead of the whole screen.',

  'call.alone': 'Nobody else is here yet',
  'call.alone_hint': 'Send this link to whoever you want to meet.',
  'call.copy_link': 'Copy the link',
  'call.copied': 'Link copied',
  'call.copy_failed': 'The link could not be copied. It is: {link}',
  'call.mute': 'Mute',
  'call.unmute': 'Unmute',
  'call.camera_off': 'Camera off',
  'call.camera_on': 'Camera on',
  'call.share': 'Share',
  'call.share_long': 'Share your screen',
  'call.share_stop': 'Stop sharing',
  'call.people': 'People',
  'call.layout_grid': 'Everybody alike',
  'call.layout_speaker': 'Speaker large',
  'call.fullscreen': 'Full screen',
  'call.fullscreen_exit': 'Leave full screen',
  'call.more': 'More',
  'call.help': 'Keyboard and help',
  'call.leave': 'Leave',
  'call.leave_question': 'Leave the call?',
  'call.leave_confirm': 'Leave the call',
  'call.stay': 'Stay',
  'call.controls': 'Call controls',
  'call.stage': 'People in the call',
  'call.hear': 'Tap to hear the others',
  'call.hear_hint': 'Your browser holds the sound back until you do.',
  'call.you_share': 'You are sharing your screen',
  'call.talk_held': 'You can be heard while you hold the space bar',
  'call.duration': 'Duration of the call: {time}',
  'call.joined_one': '{name} joined',
  'call.left_one': '{name} left',
  'call.shares': '{name} shares a screen',
  'call.shares_no_more': '{name} no longer shares a screen',
  'call.muted_now': 'Your microphone is off',
  'call.unmuted_now': 'Your microphone is on',
  'call.camera_off_now': 'Your camera is off',
  'call.camera_on_now': 'Your camera is on',

  'tile.you': 'You',
  'tile.muted': 'muted',
  'tile.camera_off': 'camera off',
  'tile.speaking': 'speaking',
  'tile.reconnecting': 'Reconnecting…',
  'tile.not_sent': 'Not sent',
  'tile.screen_of': 'Screen of {name}',
  'tile.more': { one: 'and {count} more', other: 'and {count} more' },
  'tile.label': '{name}: {facts}',

  'quality.good': 'Good connection',
  'quality.fair': 'Fair connection',
  'quality.poor': 'Poor connection',
  'quality.unknown': 'Connection not known yet',

  'people.title': 'People in the call',
  'people.count': { one: '{count} person', other: '{count} people' },
  'people.close': 'Close',
  'people.you': '{name} (you)',
  'people.microphone_on': 'microphone on',
  'people.shares': 'shares a screen',

  'state.joining': 'Joining…',
  'state.connecting': 'Connecting…',
  'state.connected': 'Connected',
  'state.repairing': 'Repairing…',
  'state.reconnecting': 'Reconnecting…',
  'state.good': 'Good connection',
  'state.fair': 'Fair connection',
  'state.poor': 'Poor connection',
  'state.loss_up': 'your upload loses {percent} % of packets',
  'state.loss_down': 'your download loses {percent} % of packets',
  'state.slow': 'the way to the server takes {ms} ms',
  'state.over_tcp': 'over TCP, since this network does not let UDP pass',
  'state.title': 'Your connection',
  'state.all_well': 'Picture and sound travel without trouble.',
  'state.advice_loss':
    'Go nearer to the Wi-Fi, use a cable, or switch your camera off for a while.',
  'state.advice_slow': 'Other downloads on this network may be in the way.',
  'state.advice_tcp': 'It works, but lost packets show more. Ask for UDP to be let through.',
  'state.rtt': 'Round trip',
  'state.loss': 'Lost, up / down',
  'state.rate': 'Rate, up / down',
  'state.sent': 'You send',
  'state.received': 'You receive',
  'state.nothing': 'no picture',
  'state.call_id': 'Call (for support)',
  'state.ms': '{count} ms',
  'state.percent': '{up} % / {down} %',
  'state.kbps': '{up} / {down} kbit/s',
  'state.picture': '{width} × {height}, {fps} a second, {codec}',

  'banner.joining': 'Joining the room…',
  'banner.unreachable':
    'The server does not answer. We keep trying. Check that you are on the network.',
  'banner.connecting_long':
    'Picture and sound do not get through yet. We keep trying; a firewall may be in the way.',
  'banner.repairing': 'The line to the server broke and is being repaired. You can go on talking.',
  'banner.reconnecting': 'The connection is lost. We are reconnecting.',
  'banner.reconnecting_safe': 'Nothing that you say or show is sent meanwhile.',
  'banner.reconnecting_long':
    'This takes longer than usual. Check your network, or change to another one: the call will come back by itself.',

  'failed.title': 'The call cannot go on',
  'failed.token.title': 'This room is by invitation',
  'failed.full.title': 'No room left',
  'failed.replaced.title': 'The call goes on elsewhere',
  'failed.bad_message':
    'This page and the server do not understand each other. Reload the page; if that does not help, tell whoever runs the server.',
  'failed.unknown_type':
    'This page and the server do not understand each other. Reload the page; if that does not help, tell whoever runs the server.',
  'failed.not_joined': 'The server lost track of this call. Please join again.',
  'failed.already_joined': 'The server lost track of this call. Please join again.',
  'failed.version_unsupported':
    'The server is newer than this page. Reload the page to get the new one.',
  'failed.bad_room':
    'There can be no room of this name. Check the link: a name has small letters, digits and hyphens.',
  'failed.bad_name': 'The server does not accept this name. Please choose another one.',
  'failed.token_required':
    'You need an invitation for this room. Ask whoever invited you for the whole link, with everything after the “#”.',
  'failed.token_invalid':
    'The invitation in this link is not valid. It may have been cut off: ask for the link again, and open it whole.',
  'failed.token_expired': 'This invitation has expired. Ask for a new one.',
  'failed.token_used': 'This invitation has been used already. Ask for one of your own.',
  'failed.token_wrong_room':
    'This invitation is for another room. Check that you have the right link.',
  'failed.room_full': 'The room is full. Try again when somebody has left.',
  'failed.server_full':
    'The server has no room for another person just now. Try again in a few minutes.',
  'failed.rate_limited': 'That was too fast for the server. Wait a moment, then join again.',
  'failed.message_too_large':
    'Your browser sent more than the server takes. Please try a current Chrome, Edge, Firefox or Safari.',
  'failed.bad_offer':
    'The server cannot use what your browser offers. Please try a current Chrome, Edge, Firefox or Safari.',
  'failed.join_timeout': 'Joining took too long. Check your network and try again.',
  'failed.replaced':
    'You have opened this call again, in another window or on another tab, and it goes on there. Join here to continue as well.',
  'failed.shutting_down': 'The server is being restarted. Try again in a moment.',
  'failed.unknown': 'The server ended the call and says: {message}',
  'failed.again': 'Try again',
  'failed.again_in': { one: 'Try again in {count} second', other: 'Try again in {count} seconds' },
  'failed.reload': 'Reload the page',
  'failed.code': 'Code for support: {code}',

  'left.title': 'You have left the call',
  'left.lead': 'Camera and microphone are closed.',
  'left.lasted': 'You were in it for {time}.',
  'left.rejoin': 'Join again',
  'left.home': 'To the start page',
  'error.bad_room.title': 'There is no such room',
  'error.crash.title': 'Something went wrong on this page',
  'error.crash': 'This should not have happened. Reload the page: you will be back in your call.',

  'keys.title': 'Keyboard',
  'keys.mute': 'Microphone on or off',
  'keys.camera': 'Camera on or off',
  'keys.share': 'Share the screen, or stop it',
  'keys.people': 'Who is here',
  'keys.layout': 'Change the layout',
  'keys.fullscreen': 'Full screen',
  'keys.leave': 'Leave the call',
  'keys.help': 'This help',
  'keys.space': 'Hold to speak while muted',
  'keys.space_name': 'Space',

  'settings.language': 'Language',
  'settings.theme': 'Appearance',
  'settings.theme_auto': 'As the system',
  'settings.theme_light': 'Light',
  'settings.theme_dark': 'Dark',
  'dialog.close': 'Close',
} as const satisfies Record<string, string | Plural>;

/** One text for each plural form of a language; `other` is for all the rest. */
export type Plural = Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }>;

export type Key = keyof typeof en;

/** What every language must provide: a missing or a superfluous key does not compile. */
export type Catalogue = {
  readonly [K in Key]: (typeof en)[K] extends string ? string : Plural;
};
