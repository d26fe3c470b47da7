import { describe, expect, it } from 'vitest';
import { classify, codeOf } from '../src/classify.ts';

function answered(status: number, name: string, message = ''): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });
}

function failed(name: string, code: string, message = code): Error {
  return Object.assign(new Error(message), { name, code, $metadata: { attempts: 1 } });
}

describe('an error', () => {
  it.each([
    [answered(403, 'AccessDeniedException'), 'denied'],
    [answered(403, 'AccessDenied'), 'denied'],
    [answered(400, 'KmsAccessDenied'), 'denied'],
    [answered(403, 'InvalidClientTokenId'), 'denied'],
    [answered(403, 'SignatureDoesNotMatch'), 'denied'],
    [answered(403, 'ExpiredTokenException'), 'denied'],
    [answered(403, 'SomethingNew'), 'denied'],
    [answered(400, 'RequestThrottled'), 'throttled'],
    [answered(400, 'ThrottlingException'), 'throttled'],
    [answered(503, 'ThrottlingException'), 'throttled'],
    [answered(400, 'KmsThrottled'), 'throttled'],
    [answered(403, 'OverLimit'), 'throttled'],
    [answered(429, 'Unknown'), 'throttled'],
    [answered(503, 'ServiceUnavailable'), 'unavailable'],
    [answered(503, 'Unknown'), 'unavailable'],
    [answered(500, 'InternalError'), 'unknown-outcome'],
    [answered(502, 'Unknown'), 'unknown-outcome'],
    [answered(400, 'QueueDoesNotExist'), 'unavailable'],
    [answered(400, 'QueueDeletedRecently'), 'unavailable'],
    [answered(400, 'ReceiptHandleIsInvalid'), 'lease-lost'],
    [
      answered(400, 'InvalidParameterValue', 'Value x for parameter ReceiptHandle is invalid. Reason: it has expired.'),
      'lease-lost',
    ],
    [answered(400, 'BatchRequestTooLong'), 'payload-too-large'],
    [
      answered(400, 'InvalidParameterValue', 'Reason: Message must be shorter than 1048576 bytes.'),
      'payload-too-large',
    ],
    [answered(400, 'InvalidParameterValue'), 'rejected'],
    [failed('Error', 'ECONNREFUSED'), 'unavailable'],
    [failed('Error', 'ENOTFOUND'), 'unavailable'],
    [failed('Error', 'EAI_AGAIN'), 'unavailable'],
    [failed('TimeoutError', '', 'the request socket did not establish a connection with the server'), 'unavailable'],
    [failed('CredentialsProviderError', '', 'Could not load credentials from any providers'), 'unavailable'],
    [failed('TimeoutError', 'ECONNRESET'), 'unknown-outcome'],
    [failed('TimeoutError', 'EPIPE'), 'unknown-outcome'],
    [failed('AbortError', '', 'Request aborted'), 'unknown-outcome'],
  ])('%s means what it says', (error, code) => {
    expect(classify(error)).toBe(code);
  });
});

describe('a code of an entry', () => {
  it.each([
    ['AWS.SimpleQueueService.MessageNotInflight', 'lease-lost'],
    ['AWS.SimpleQueueService.NonExistentQueue', 'unavailable'],
    ['KMS.ThrottlingException', 'throttled'],
    ['KMS.AccessDeniedException', 'denied'],
    ['InternalError', 'unknown-outcome'],
    ['InvalidMessageContents', undefined],
  ])('%s is understood with and without what stands in front', (code, meaning) => {
    expect(codeOf(code)).toBe(meaning);
    expect(codeOf(code.replace(/^.*\./, ''))).toBe(meaning);
  });
});
