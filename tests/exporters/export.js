/*
 * An application's spans, through the SDK's own exporters, each export sent twice: an agent, the
 * call of a model and a tool inside it, a call that fails, and a request of HTTP that is none of
 * ours. Argument: proto, or http for JSON. TALLY_URL and TALLY_API_KEY say where. Prints the trace's id.
 */
'use strict';

const { context, trace, SpanKind, SpanStatusCode } = require('@opentelemetry/api');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const {
	InMemorySpanExporter,
	NodeTracerProvider,
	SimpleSpanProcessor,
} = require('@opentelemetry/sdk-trace-node');

const format = process.argv[2];
const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${format}`);

const memory = new InMemorySpanExporter();
const provider = new NodeTracerProvider({
	resource: resourceFromAttributes({ 'service.name': 'shop' }),
	spanProcessors: [new SimpleSpanProcessor(memory)],
});
const tracer = provider.getTracer('shop', '1.0');

function span(name, kind, parent, attributes, end = () => {}) {
	const made = tracer.startSpan(
		name,
		{ kind, attributes },
		parent ? trace.setSpan(context.active(), parent) : context.active(),
	);
	end(made);
	made.end();
	return made;
}

const agent = tracer.startSpan('invoke_agent planner', {
	kind: SpanKind.INTERNAL,
	attributes: {
		'gen_ai.operation.name': 'invoke_agent',
		'gen_ai.agent.name': 'planner',
		'gen_ai.usage.input_tokens': 1000,
		'gen_ai.usage.output_tokens': 7,
	},
});
span('chat gpt-4o', SpanKind.CLIENT, agent, {
	'gen_ai.operation.name': 'chat',
	'gen_ai.provider.name': 'openai',
	'gen_ai.request.model': 'gpt-4o',
	'gen_ai.request.temperature': 0.2,
	'gen_ai.response.model': 'gpt-4o',
	'gen_ai.response.finish_reasons': ['stop'],
	'gen_ai.usage.input_tokens': 1000,
	'gen_ai.usage.cache_read.input_tokens': 400,
	'gen_ai.usage.output_tokens': 7,
	'user.id': 'ann',
});
span('execute_tool weather', SpanKind.INTERNAL, agent, {
	'gen_ai.operation.name': 'execute_tool',
	'gen_ai.tool.name': 'weather',
});
span('chat gpt-4o', SpanKind.CLIENT, agent, {
	'gen_ai.operation.name': 'chat',
	'gen_ai.provider.name': 'openai',
	'gen_ai.request.model': 'gpt-4o',
}, (failed) => {
	failed.recordException(new Error('the model is away'));
	failed.setStatus({ code: SpanStatusCode.ERROR, message: 'the model is away' });
});
span('GET', SpanKind.CLIENT, agent, { 'http.request.method': 'GET' });
agent.end();

const exporter = new OTLPTraceExporter({
	url: `${process.env.TALLY_URL}/v1/traces`,
	headers: { authorization: `Bearer ${process.env.TALLY_API_KEY}` },
	compression: 'gzip',
});

function send() {
	return new Promise((resolve, reject) => {
		exporter.export(memory.getFinishedSpans(), (result) => {
			if (result.code === 0)
				resolve();
			else
				reject(result.error);
		});
	});
}

async function main() {
	await send();
	await send();
	await exporter.shutdown();
	console.log(agent.spanContext().traceId);
}

main().catch((error) => {
	console.error(error);
	process.exitCode = 1;
});
