"""Names that MicroPython has in its ROM: as names of ours they cost a node nothing.

Those of the Unix port that the ESP32's stubs have too, without what a class could inherit from a built-in
one. Another build of MicroPython may lack some: there they cost what any name costs.
tests/simulator/test_linking.py holds the list against the port.
"""

_WORDS = """
e f n r s t v cb on os pi re tb EIO GS8 PTR add aes arg buf cos doc end erf exc exp key log md5 off
pos ps1 ps2 req sep sin src ssl sub sys tan tau val AUTO GZIP Lock Task UINT VOID ZLIB acos argv
asin atan auth bind blit ceil cert copy dest dump erfc fabs file fill fmod full idle imag load log2
loop mem8 mkfs mode modf peek poly real recv seed self sha1 sock sort sqrt stat step ARRAY EBADF
EPERM Event MVLSB ULONG acosh array asinh atan2 atanh chdir count crc32 deque drain dumps expm1
flags floor frexp group hline index ipoll isinf isnan ldexp loads log10 mem16 mem32 mkdir phase
pixel polar rfind rmdir sleep stdin ticks trunc union viper vline BFINT8 BF_LEN BF_POS EACCES EAGAIN
EEXIST EINVAL EISDIR ENODEV ENOENT ENOMEM FileIO IOBase NATIVE POLLIN RGB565 RingIO Server Signal
UINT64 USHORT VfsFat accept aclose action atexit buffer cadata cafile center choice cipher delete
digest enable future gather getcwd getenv getter gmtime invert length lgamma listen lstrip mktime
modify module native putenv random reason remove rename rindex rsplit rstrip scroll search select
sendto setter sha256 sizeof stderr stdout stream struct system target umount unlink unpack waiter
AF_INET BFINT16 BFINT32 BFUINT8 BytesIO ENOBUFS FLOAT32 FLOAT64 POLLERR POLLHUP POLLOUT VfsLfs2
backlog closure collect connect decrypt degrees deleter disable discard ellipse encrypt fromhex
heapify heappop indices isalpha isclose isdigit islower isspace isupper keyfile maxsize modules
newline optname out_buf popitem popleft radians randint request reverse sendall statvfs time_ns
uniform urandom version AF_INET6 BFUINT16 BFUINT32 EALREADY ENOTCONN GS2_HMSB GS4_HMSB LockType
MSG_PEEK NoneType SOCK_RAW StringIO bytes_at calcsize certfile copysign endswith exc_info exc_type
execfile fromkeys function heappush ilistdir isfinite issubset iterable kbd_intr keepends libc_ver
makefile mem_free mem_info platform progsize readonly readsize recvfrom runq_len schedule sleep_ms
sleep_us sockaddr ticks_ms ticks_us to_bytes unsetenv wait_for CERT_NONE DeflateIO ETIMEDOUT
MONO_HLSB MONO_HMSB MONO_VLSB SSLSocket TaskQueue ULONGLONG addressof buffering byteorder cert_reqs
errorcode factorial fill_rect get_ident heap_lock isenabled localtime lookahead mem_alloc opt_level
pack_into qstr_info randrange recv_into stack_use threshold ticks_add ticks_cpu unhexlify waitq_len
websocket BIG_ENDIAN EADDRINUSE ECONNRESET EOPNOTSUPP SOCK_DGRAM SOL_SOCKET SSLContext a2b_base64
appendleft b2a_base64 from_bytes isdisjoint issuperset namedtuple readblocks rpartition separators
setdefault setsockopt settimeout soft_reset splitlines stack_size startswith ticks_diff unregister
EINPROGRESS FrameBuffer OrderedDict SOCK_STREAM collections create_task description get_ciphers
getaddrinfo getrandbits heap_unlock readexactly run_forever server_side set_ciphers setblocking
unpack_from verify_mode wait_closed wait_for_ms wrap_socket writeblocks ECONNABORTED ECONNREFUSED
EHOSTUNREACH FrameBuffer1 MSG_DONTWAIT SO_BROADCAST SO_REUSEADDR StreamReader StreamWriter
bytearray_at current_task do_handshake intersection start_server version_info CERT_OPTIONAL
CERT_REQUIRED LITTLE_ENDIAN TextIOWrapper allocate_lock time_pulse_us CancelledError ThreadSafeFlag
get_event_loop get_extra_info implementation new_event_loop MBEDTLS_VERSION load_cert_chain
open_connection print_exception python_compiler server_hostname start_new_thread IP_ADD_MEMBERSHIP
return_exceptions run_until_complete PROTOCOL_TLS_CLIENT PROTOCOL_TLS_SERVER intersection_update
PROTOCOL_DTLS_CLIENT PROTOCOL_DTLS_SERVER symmetric_difference get_exception_handler
load_verify_locations set_exception_handler call_exception_handler do_handshake_on_connect
"""
WORDS = tuple(_WORDS.split())

# Names that a .mpy file writes as a number, so that they cost a file nothing either: MicroPython fixes which
# these are with the version of its bytecode. Taken are built-in functions and exceptions that a program does
# not use itself, without what a built-in object could be asked for behind its back (read, close, args, ...).
_NUMBERED = """
ArithmeticError AssertionError AttributeError BaseException EOFError Ellipsis GeneratorExit
IndentationError IndexError KeyError KeyboardInterrupt LookupError NameError NoneType NotImplementedError
OverflowError RuntimeError StopIteration SyntaxError SystemExit ZeroDivisionError abs any bytecode callable
chr classmethod count divmod endswith extend find from_bytes hash id index insert isalpha isdigit islower
isspace issubclass isupper key list little lstrip map next object ord popitem pow remove repr reverse rfind
rindex round rsplit rstrip setdefault sort sorted startswith staticmethod step sum to_bytes upper zip copy
end sep
"""
NUMBERED = tuple(_NUMBERED.split())

# Names of MicroPython's and its libraries' objects that are no such words: left alone wherever they stand.
_LIBRARY = """
ACCEPT_RETRY_DELAY ADC ADCBlock ADCWiPy ADDR_LEN AF_UNIX AIOESPNow ALARM0
ALERT_DESCRIPTION_ACCESS_DENIED ALERT_DESCRIPTION_BAD_CERTIFICATE
ALERT_DESCRIPTION_BAD_CERTIFICATE_HASH_VALUE ALERT_DESCRIPTION_BAD_CERTIFICATE_STATUS_RESPONSE
ALERT_DESCRIPTION_BAD_RECORD_MAC ALERT_DESCRIPTION_CERTIFICATE_EXPIRED
ALERT_DESCRIPTION_CERTIFICATE_REVOKED ALERT_DESCRIPTION_CERTIFICATE_UNKNOWN
ALERT_DESCRIPTION_CERTIFICATE_UNOBTAINABLE ALERT_DESCRIPTION_CLOSE_NOTIFY ALERT_DESCRIPTION_DECODE_ERROR
ALERT_DESCRIPTION_DECOMPRESSION_FAILURE ALERT_DESCRIPTION_DECRYPT_ERROR
ALERT_DESCRIPTION_HANDSHAKE_FAILURE ALERT_DESCRIPTION_ILLEGAL_PARAMETER
ALERT_DESCRIPTION_INSUFFICIENT_SECURITY ALERT_DESCRIPTION_INTERNAL_ERROR
ALERT_DESCRIPTION_NO_RENEGOTIATION ALERT_DESCRIPTION_PROTOCOL_VERSION ALERT_DESCRIPTION_RECORD_OVERFLOW
ALERT_DESCRIPTION_UNEXPECTED_MESSAGE ALERT_DESCRIPTION_UNKNOWN_CA ALERT_DESCRIPTION_UNKNOWN_PSK_IDENTITY
ALERT_DESCRIPTION_UNRECOGNIZED_NAME ALERT_DESCRIPTION_UNSUPPORTED_CERTIFICATE
ALERT_DESCRIPTION_UNSUPPORTED_EXTENSION ALERT_DESCRIPTION_USER_CANCELLED ALL_COMPLETED ALT
ALT_OPEN_DRAIN ANALOG APA106 AP_IF ATTN_0DB ATTN_11DB ATTN_2_5DB ATTN_6DB AUTH_CHAP AUTH_MAX AUTH_NONE
AUTH_OPEN AUTH_OWE AUTH_PAP AUTH_WAPI_PSK AUTH_WEP AUTH_WPA2_ENTERPRISE AUTH_WPA2_PSK AUTH_WPA2_WPA3_PSK
AUTH_WPA3_ENT_192 AUTH_WPA3_EXT_PSK AUTH_WPA3_EXT_PSK_MIXED_MODE AUTH_WPA3_PSK AUTH_WPA_PSK
AUTH_WPA_WPA2_PSK AbstractBlockDev AbstractEventLoop AbstractEventLoopPolicy AbstractNIC AbstractServer
AlertDescription AnyStr_co AppProtocolState ArgumentParser ArgumentTypeError ArithmeticError
AssertionError AttributeError Authorization B1000000 B115200 B1152000 B230400 B460800 B500000 B57600
B576000 B921600 B9600 BANDWIDTH_160 BANDWIDTH_20 BANDWIDTH_40 BANDWIDTH_80 BANDWIDTH_80_80 BLE BOOT
BROKEN Barrier BaseDefaultEventLoopPolicy BaseEventLoop BaseException BaseProactorEventLoop BaseProtocol
BaseSelectorEventLoop BaseTransport BodyStream BoundedSemaphore BrokenBarrierError BufferedIOBase
BufferedProtocol CLEAR CLIENT_AUTH CONFIG CONTROLLER CORE_TEMP CORE_VBAT CORE_VREF CTS Condition
Connection Const_T Counter DAC DEBUG DEBUG_STACK_DEPTH DECREMENT DEEPSLEEP DEEPSLEEP_RESET DELAY DELETE
DER_cert_to_PEM_cert DESC DHT11 DHT22 DHTBase DOWN DO_HANDSHAKE DRAINING DRIVE_0 DRIVE_1 DRIVE_2 DRIVE_3
DS18X20 DatagramProtocol DatagramTransport DefaultVerifyPaths Done ENOTSUP EOFError ESPNow ESPNowBase
ETH_CONNECTED ETH_DISCONNECTED ETH_GOT_IP ETH_INITIALIZED ETH_STARTED ETH_STOPPED EXT0_WAKE EXT1_WAKE
Ellipsis Encoder FALLBACK FALLING FILLING FIRST_COMPLETED FIRST_EXCEPTION FLAG_INDICATE FLAG_NOTIFY
FLAG_READ FLAG_WRITE FLAG_WRITE_NO_RESPONSE FLOW_CONTROL_HIGH_WATER_SSL_READ
FLOW_CONTROL_HIGH_WATER_SSL_WRITE FLUSHING FlowControlMixin GET GeneratorExit HARD_RESET HEAD HEAP_DATA
HEAP_EXEC HOLD Handle Host I2C I2S IDLE ID_T IF_AP IF_STA IGNORE IN INCL INCREMENT INT INT16 INT32 INT64
INT8 INV_CTS INV_RTS INV_RX INV_TX IOQueue IPPROTO_IP IPPROTO_SEC IPPROTO_TCP IPPROTO_UDP
IP_DROP_MEMBERSHIP IRQ_BREAK IRQ_FALLING IRQ_HIGH_LEVEL IRQ_INDEX IRQ_LOW_LEVEL IRQ_MATCH IRQ_MAX
IRQ_MIN IRQ_RESET IRQ_RISING IRQ_ROLL_OVER IRQ_ROLL_UNDER IRQ_RX IRQ_RXIDLE IRQ_THRESHOLD0
IRQ_THRESHOLD1 IRQ_TXIDLE IRQ_ZERO ImportError IncompleteReadError IndentationError IndexError
InvalidStateError KEY_LEN KeyError KeyboardInterrupt LAN LOG_DEBUG LOG_ERROR LOG_INFO LOG_NONE
LOG_THRESHOLD_FOR_CONNLOST_WRITES LOG_VERBOSE LOG_WARNING LONG LONGLONG LS LSB LifoQueue
LimitOverrunError LookupError Loop MATCH_ROM MAXIMUM_SUPPORTED MAX_DATA_LEN MAX_ENCRYPT_PEER_NUM
MAX_TOTAL_PEER_NUM MINIMUM_SUPPORTED MODE_11B MODE_11G MODE_11N MODE_CBC MODE_CTR MODE_ECB MODE_LR MONO
MQTTClient MQTTException MSB MSG_DONTROUTE Man MemoryError NORMAL NVS NameError NeoPixel None
NotImplemented NotImplementedError ONE_SHOT OPEN_DRAIN OP_ALL OP_CIPHER_SERVER_PREFERENCE OP_ENABLE_KTLS
OP_ENABLE_MIDDLEBOX_COMPAT OP_IGNORE_UNEXPECTED_EOF OP_LEGACY_SERVER_CONNECT OP_NO_COMPRESSION
OP_NO_RENEGOTIATION OP_NO_SSLv2 OP_NO_SSLv3 OP_NO_TICKET OP_NO_TLSv1 OP_NO_TLSv1_1 OP_NO_TLSv1_2
OP_NO_TLSv1_3 OP_SINGLE_DH_USE OP_SINGLE_ECDH_USE ORDER OSError OUT OneWire OneWireError Options
OverflowError PATCH PCNT PEM_cert_to_DER_cert PERIODIC PHY_DM9051 PHY_DP83848 PHY_GENERIC PHY_IP101
PHY_KSZ8041 PHY_KSZ8081 PHY_KSZ8851SNL PHY_LAN8670 PHY_LAN8710 PHY_LAN8720 PHY_RTL8201 PHY_W5500
PIN_WAKE PM_NONE PM_PERFORMANCE PM_POWERSAVE POST PPP PROTOCOL_DEFAULT PROTOCOL_LR PROTOCOL_SSLv2
PROTOCOL_SSLv23 PROTOCOL_SSLv3 PROTOCOL_TLS PROTOCOL_TLSv1 PROTOCOL_TLSv1_1 PROTOCOL_TLSv1_2 PULL_DOWN
PULL_HOLD PULL_UP PULSE_MAX PWD PWM PWRON_RESET Partition Pin PinBase PriorityQueue Protocol Purpose
Queue QueueEmpty QueueFull QueueShutDown RATE_11M RATE_12M RATE_1M RATE_24M RATE_2M RATE_54M RATE_5M
RATE_6M RATE_LORA_250K RATE_LORA_500K RAW RC RESERVE_MEM RESETTING REVERSE RISING RMT RTC RTC_WAKE RTS
RUNNING RX RawIOBase ReadTransport Response Runner RuntimeError SDCard SEARCH_ROM SEC_CHAP SEC_DPP
SEC_NONE SEC_OPEN SEC_OWE SEC_PAP SEC_WAPI SEC_WEP SEC_WPA SEC_WPA2 SEC_WPA2_ENT SEC_WPA2_WPA3
SEC_WPA2_WPA3_ENT SEC_WPA3 SEC_WPA3_ENT SEC_WPA3_ENT_192 SEC_WPA3_EXT_PSK SEC_WPA3_EXT_PSK_MIXED_MODE
SEC_WPA_ENT SEC_WPA_WPA2 SENDFILE_FALLBACK_READBUFFER_SIZE SERVER_AUTH SHORT SHUTDOWN SKIP_ROM SLEEP
SLEEP_LIGHT SLEEP_MODEM SLEEP_NONE SOFT_RESET SO_BINDTODEVICE SO_ERROR SO_KEEPALIVE SO_LINGER SPI
SSLAgainErrors SSLCertVerificationError SSLEOFError SSLError SSLErrorNumber SSLObject SSLProtocol
SSLProtocolState SSLSyscallError SSLWantReadError SSLWantWriteError SSLZeroReturnError SSL_ERROR_EOF
SSL_ERROR_INVALID_ERROR_CODE SSL_ERROR_SSL SSL_ERROR_SYSCALL SSL_ERROR_WANT_CONNECT SSL_ERROR_WANT_READ
SSL_ERROR_WANT_WRITE SSL_ERROR_WANT_X509_LOOKUP SSL_ERROR_ZERO_RETURN SSL_HANDSHAKE_TIMEOUT
SSL_SHUTDOWN_TIMEOUT SSLv3 STATE_CON_LOST STATE_CON_MADE STATE_EOF STATE_INIT STAT_ASSOC_FAIL
STAT_BEACON_TIMEOUT STAT_CONNECTING STAT_CONNECT_FAIL STAT_GOT_IP STAT_HANDSHAKE_TIMEOUT STAT_IDLE
STAT_NO_AP_FOUND STAT_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD STAT_NO_AP_FOUND_IN_RSSI_THRESHOLD
STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY STAT_WRONG_PASSWORD STA_IF STEREO Semaphore
SendfileNotAvailableError SingletonGenerator Socket SoftI2C SoftSPI StopAsyncIteration StopIteration
StrOrBytesPath Stream StreamReaderProtocol Struct SubprocessProtocol SubprocessTransport SyntaxError
SystemExit TCP_NODELAY TCSANOW THREAD_JOIN_TIMEOUT TIMER_WAKE TLSVersion TLSv1 TLSv1_1 TLSv1_2 TLSv1_3
TOUCHPAD_WAKE TRY_NATIVE TX TYPE_APP TYPE_DATA TextIOBase Timeout TimeoutError Timer TimerHandle
TouchPad Transport TransportSocket UART UINT16 UINT32 UINT8 ULP ULP_WAKE UNSUPPORTED UNWRAPPED UP UUID
UnicodeError UnsupportedOperation VERIFY_ALLOW_PROXY_CERTS VERIFY_CRL_CHECK_CHAIN VERIFY_CRL_CHECK_LEAF
VERIFY_DEFAULT VERIFY_X509_PARTIAL_CHAIN VERIFY_X509_STRICT VERIFY_X509_TRUSTED_FIRST VREF ValueError
VerifyFlags VerifyMode VfsLfs1 VfsPosix VfsRom ViperTypeError WAKEUP_ALL_LOW WAKEUP_ANY_HIGH WAKE_HIGH
WAKE_LOW WDT WDT_RESET WIDTH_10BIT WIDTH_11BIT WIDTH_12BIT WIDTH_13BIT WIDTH_9BIT WLAN WLANWiPy
WLAN_WAKE WRAPPED WriteTransport ZeroDivisionError abort abort_clients abs abs_tol accept_conn acquire
active add_argument add_flowcontrol_defaults add_peer add_reader add_signal_handler add_writer aead
airecv alarm alg_bits all_tasks alloc_emergency_exception_buf allowed_mip_url_prefixes antenna any
append arecv argparse args as_completed asend asm_thumb asm_xtensa at_eof atten awrite awritestr bdev
big bin binascii bitstream bitstream_channel bitstream_rmt block board bool bound_method bpp branch
broken buffer_info buffer_updated bytearray bytecode bytes byteswap call_at call_later call_soon
call_soon_threadsafe callable can_write_eof cancel cancelled capath cat cd cert_time_to_seconds
change_daemon channel check_bootsec check_msg chr chunked classmethod clear client_id client_s clock
clock_div close close_clients cmath code commit compile complex compression config
connect_accepted_socket connect_ex connect_read_pipe connect_write_pipe connection_lost connection_made
const consume_unknown consumed content context convert_temp core coro coroutine cosh country cp crc8
create_connection create_datagram_endpoint create_eager_task_factory create_future create_server
create_unix_connection create_unix_server cryptolib csi_available csi_disable csi_dropped csi_enable
csi_read cur_task data data_received datagram_received datetime decode deepsleep
default_exception_handler deflate deinit del_peer delattr delay deps detach dht_readinto dict dict_view
dir disable_irq disconnect divmod do_install done drive dt dup duty duty_ns duty_u16 eager_task_factory
empty enable_irq encode encoding ensure_future enumerate eof_received erase_key errno error
error_received eval exception exec executable exists exit expected expired extend extract_stack family
feed feed_appdata feed_data feed_eof feed_ssldata fileno filter find flash_erase flash_read flash_size
flash_user_start flash_write float flush format framebuf freq frombytes fromfile fromlist fromname
fromnid fromstring fromunicode frozenset fs_corrupted funcs gamma gap_advertise gap_connect
gap_disconnect gap_pair gap_passkey gap_scan gattc_discover_characteristics gattc_discover_descriptors
gattc_discover_services gattc_exchange_mtu gattc_read gattc_write gatts_indicate gatts_notify gatts_read
gatts_register_services gatts_set_buffer gatts_write gc generator get get_blob get_buffer get_ca_certs
get_channel_binding get_child_watcher get_context get_daemon_status get_debug get_default_verify_paths
get_event_loop_policy get_i32 get_inheritable get_loop get_next_update get_nowait get_peer get_peers
get_pid get_pipe_transport get_protocol get_protocol_name get_read_buffer_limits get_read_buffer_size
get_returncode get_server_certificate get_task_factory get_unverified_chain get_verified_chain
get_write_buffer_limits get_write_buffer_size getnameinfo getpass getpeercert getpeername getsockbyname
getsockname getsockopt gettimeout getvalue globals gpio_matrix_in gpio_matrix_out hasattr hash hashes
hashlib head heapq help hexlify host hostname hostname_checks_common_name humidity id idf_heap_info idx
ifconfig inet_ntop inet_pton inf info init input input_choice input_pass insert install int io ioctl
ipconfig irecv irq is_closed is_closing is_reading is_running is_serving is_set isconnected iscoroutine
iscoroutinefunction isinstance issubclass itemsize iter_unpack iterator join json kea keepalive
keylog_filename kill latest len library lightsleep line list listen_s little load_binary
load_default_certs load_dh_params locals locked logger longname loop_count ls lw_msg lw_qos lw_retain
lw_topic mac main main_task man map mark_app_valid_cancel_rollback match_hostname max max_size
maximum_version measure mem mem_backup mem_current mem_peak mem_total memory memoryview message
micropython min minimum_version mod_peer mount mpy mv n_waiting name nan nargs need_ssldata newfile next
nid no_mpy notify notify_all object oct oid open open_unix_connection openssl_cafile openssl_cafile_env
openssl_capath openssl_capath_env opt opt_names options ord osdebug ow pack package_json_url
parse_headers parse_known_args partial parties patch path pause_reading pause_writing peer_count
peername peers_table pend_throw pending ph_key phases phy_mode pid pin ping pipe_connection_lost
pipe_data_received poll poller pop port post post_handshake_auth pow preview print process_exited proto
protocol psk_identity psk_key pswd ptr ptr16 ptr32 ptr8 publish pull push put put_nowait pwd py qsize
queue_read queue_write range raw raw_temperature rb read read_scratch read_temp read_u16 read_uv readbit
readbyte readfrom readfrom_into readfrom_mem readfrom_mem_into readinto readline readlines readuntil
reconnect rect recvfrom_into recvinto recvmsg recvmsg_into register rel_tol release remove_reader
remove_signal_handler remove_writer render_arg repr requesting requests reschedule reset reset_cause
resume_reading resume_writing return_unknown reversed rm rom_ioctl round run run_coroutine_threadsafe
run_in_executor scan security_level seek select_rom selected_alpn_protocol selected_npn_protocol send
send_html send_signal sendbreak sendfile sendmsg sendmsg_afalg serve_forever server server_handshake
server_psk_keys session session_reused set set_alpn_protocols set_blob set_boot set_callback
set_child_watcher set_debug set_default_executor set_default_verify_paths set_ecdh_curve set_event_loop
set_event_loop_policy set_exception set_i32 set_inheritable set_last_will set_native_code_location
set_npn_protocols set_pmk set_protocol set_read_buffer_limits set_servername_callback set_task_factory
set_transport set_wakeup_period set_write_buffer_limits setraw settime setup setup_conn sgen share
shared_ciphers shield shift short_hash shortname shutdown shutdown_asyncgens shutdown_default_executor
single sinh size sleep_type slice slow_callback_duration sock_accept sock_connect sock_recv
sock_recv_into sock_recvfrom sock_recvfrom_into sock_sendall sock_sendfile sock_sendto socket sockets
sorted source_freq ssid ssl_object ssl_params sslobject_class sslsocket_class staggered_race start
start_foreground start_serving start_tls start_unix_server state static_host staticmethod stats status
status_code stop store store_const store_false store_true str stream_awrite strength_bits
subprocess_exec subprocess_shell subscribe sum super symmetric sz tanh task_done tcgetattr tcsetattr
tell temperature terminate termios text time timeout timeout_at timing tls to_thread tobytes tofile
toggle tolist tostring tounicode transport tuple txdone type typecode uctypes uint unique_id unsafe
unsubscribe unwrap update urls usage user usys value verify_callback verify_client_post_handshake
verify_code verify_flags verify_message vfs wait wait_done wait_io_event wait_msg waiting wake_on_ext0
wake_on_ext1 wake_on_gpio wake_on_touch wake_on_ulp wake_pins wake_reason wb when width wrap_bio wrapped
write write_eof write_pulses write_readinto write_scratch writebit writebyte writelines writeto
writeto_mem writevto zip
"""
LIBRARY = frozenset(_LIBRARY.split())
