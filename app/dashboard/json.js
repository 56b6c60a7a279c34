/*
 * JSON with numbers as the texts they are: a double would round what costs more than a few cents
 * to less than the ledger knows.
 */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

export function parse(text) {
	return JSON.parse(
	    text.replace(TOKEN, (token) => (token[0] === '"' ? token : `"${token}"`)));
}
