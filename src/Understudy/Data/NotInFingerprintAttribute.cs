namespace Understudy.Data;

/// <summary>
/// Marks an option that cannot change a result (how often to save, where to write), so that changing it does not repeat
/// finished work: the fingerprint of a stage leaves it out.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class NotInFingerprintAttribute : Attribute;
