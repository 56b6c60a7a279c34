/*
 * What groups and users are called. A user's own name is asked for once, where the key may.
 */
import {get} from './api.js';

const NONE = {
	model: 'no model',
	feature: 'no feature',
	provider: 'no provider',
	agent_type: 'no agent type',
	user_id: 'no user',
	tag: 'no tag'
};
const users = new Map();
let refused = false;

export function forgetNames() {
	users.clear();
	refused = false;
}

async function learn(id, signal) {
	try {
		const user = await get(`/v1/users/${id}`, {}, signal);

		users.set(id, user.external_id ?? user.email ?? id);
	} catch (error) {
		if (error.name === 'AbortError')
			throw error;
		refused ||= error.status === 403;
		users.set(id, id);
	}
}

export async function learnUsers(ids, signal) {
	const [first, ...rest] = [...new Set(ids)].filter((id) => id && !users.has(id));

	if (first !== undefined && !refused)
		await learn(first, signal);
	if (!refused)
		await Promise.all(rest.map((id) => learn(id, signal)));
}

export function userName(id) {
	return users.get(id) ?? id;
}

export function groupName(member, {value, other}) {
	if (other)
		return 'all others';
	if (value === null || value === undefined)
		return NONE[member];
	return member === 'user_id' ? userName(value) : value;
}
