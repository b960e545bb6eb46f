// Asio's separately compiled half, for this room's test program alone (the server has it in net/).
#include <boost/asio/impl/src.hpp>
