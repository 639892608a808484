/** Tells a person who looks elsewhere that a prompt waits: title, icon, and a notification where they allowed one before. It never asks for that. */
import { byId } from './dom.js';

/** @type {Notification | undefined} */
let notification;

/**
 * @param {string} title of the window
 * @param {string | undefined} waiting what the notification says; undefined when nothing waits
 */
export function showAttention(title, waiting) {
  document.title = title;
  byId('icon').setAttribute('href', waiting === undefined ? '/icon.svg' : '/icon-waiting.svg');
  notification?.close();
  notification = undefined;
  if (waiting === undefined || document.hasFocus() || !('Notification' in window) || Notification.permission !== 'granted')
    return;
  notification = new Notification('kortd', { body: waiting, tag: 'kortd', icon: '/icon-waiting.svg' });
  notification.addEventListener('click', () => window.focus());
}
