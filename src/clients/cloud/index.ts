export { type AwsAccount, awsAccount } from './aws-credentials.ts';
export { signAwsRequest } from './aws-signature.ts';
export { type AzureAccount, azureAccount } from './azure-credentials.ts';
export type { Call, CloudContext, Environment, ReadFile } from './cloud-context.ts';
export { CloudService, type Explain, formBody, fromAnswer, objectOf, parseObject, serviceUrl, textOf } from './cloud-service.ts';
export { type GoogleAccount, googleAccount } from './google-credentials.ts';
export { renewed } from './renewed.ts';
